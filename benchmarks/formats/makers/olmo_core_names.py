# /// script
# dependencies = ["ai2-olmo-core==3.0.0", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Models of toy width as OLMo-core builds them, each with the outputs of what it converts for transformers."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from olmo_core.nn.hf.config import get_hf_config
from olmo_core.nn.hf.convert import convert_state_to_hf
from olmo_core.nn.transformer import TransformerBlockType, TransformerConfig
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig

SIZES = {
    "vocab_size": 320,
    "d_model": 48,
    "n_layers": 3,
    "n_heads": 4,
    "n_kv_heads": 2,
    "hidden_size_multiple_of": 16,
}
KINDS = {
    "llama": {"block_name": TransformerBlockType.default},
    "olmo2": {"block_name": TransformerBlockType.reordered_norm, "qk_norm": True},
}
LLAMA = LlamaConfig(
    hidden_size=48,
    intermediate_size=128,
    num_attention_heads=4,
    num_hidden_layers=3,
    num_key_value_heads=2,
    vocab_size=320,
    rms_norm_eps=1e-5,
    rope_parameters={"rope_type": "default", "rope_theta": 500000.0},
)


def main(out: Path) -> None:
    """Write them."""
    for name, kind in KINDS.items():
        torch.manual_seed(0)
        config = TransformerConfig.llama_like(**SIZES, **kind)
        model = config.build(init_device="cpu").eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn_like(parameter) * 0.1 + (parameter.dim() == 1))
        theirs = LLAMA if name == "llama" else get_hf_config(model)  # which knows OLMo's own architectures alone
        weights = {key: value.clone() for key, value in convert_state_to_hf(theirs, model.state_dict()).items()}
        twin = AutoModelForCausalLM.from_config(theirs).eval()
        twin.load_state_dict(weights)
        tokens = torch.arange(40)[None]
        with torch.no_grad():
            apart = (model(tokens) - twin(tokens).logits).abs().max().item()
        assert apart < 1e-3, (name, apart)
        folder = out / f"built, {name}"
        (folder / "model").mkdir(parents=True, exist_ok=True)
        save_file(model.state_dict(), folder / "model" / "model.safetensors")
        (folder / "model" / "config.json").write_text(json.dumps({"model": config.as_config_dict()}))
        save_file(weights, folder / "truth.safetensors")
        said = {"tool": "olmo-core", "version": version("ai2-olmo-core"), "operation": folder.name}
        (folder / "made.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
