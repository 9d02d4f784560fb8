# /// script
# dependencies = ["safetensors", "torch==2.13.0", "torchao==0.14.1", "torchtune==0.6.1", "transformers==5.24.0"]
# ///
"""A Llama and a Qwen2 of toy width as torchtune converts them, and the Llama as it writes it in Meta's form."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file
from torchtune.models.convert_weights import hf_to_tune, tune_to_meta
from torchtune.models.llama3 import llama3
from torchtune.models.qwen2 import qwen2
from torchtune.models.qwen2._convert_weights import qwen2_hf_to_tune

SIZES = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 3,
    "vocab_size": 320,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0},
}
THEIRS = {
    "vocab_size": 320,
    "num_layers": 3,
    "num_heads": 4,
    "num_kv_heads": 2,
    "embed_dim": 48,
    "intermediate_dim": 80,
    "max_seq_len": 64,
    "norm_eps": 1e-5,
}
PARAMS = {
    "dim": 48,
    "n_layers": 3,
    "n_heads": 4,
    "n_kv_heads": 2,
    "vocab_size": 320,
    "multiple_of": 16,
    "ffn_dim_multiplier": 0.6,
    "norm_eps": 1e-5,
    "rope_theta": 500000.0,
}


def main(out: Path) -> None:
    """Write them."""
    for name, kind, convert, build in (
        ("llama", transformers.LlamaConfig, hf_to_tune, llama3),
        ("qwen2", transformers.Qwen2Config, qwen2_hf_to_tune, qwen2),
    ):
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(kind(**SIZES)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.05)
        weights = {key: value.contiguous() for key, value in model.state_dict().items()}
        tune = convert(weights, num_heads=4, num_kv_heads=2, dim=48)
        twin = build(**THEIRS, rope_base=500000).eval()
        twin.load_state_dict(tune)
        tokens = torch.arange(40)[None]
        with torch.no_grad():
            apart = (twin(tokens) - model(tokens).logits).abs().max().item()
        assert apart < 1e-4, (name, apart)
        folder = written(out / f"converted, {name}", weights)
        torch.save(tune, folder / "torchtune_model_0.pt")
        model.config.save_pretrained(folder)
        if name == "llama":
            folder = written(out / "converted to Meta's form", weights)
            torch.save(tune_to_meta(tune), folder / "consolidated.00.pth")
            (folder / "params.json").write_text(json.dumps(PARAMS))


def written(folder: Path, weights: dict[str, torch.Tensor]) -> Path:
    """The folder for the model, beside what is known of it."""
    (folder / "model").mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "truth.safetensors")
    said = {"tool": "torchtune", "version": version("torchtune"), "operation": folder.name}
    (folder / "made.json").write_text(json.dumps(said))
    return folder / "model"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
