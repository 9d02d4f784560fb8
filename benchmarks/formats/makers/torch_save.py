# /// script
# dependencies = ["safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""A Llama of toy width as torch.save and transformers' shards of pickles."""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file


def main(out: Path) -> None:
    """Write them."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=48,
        intermediate_size=80,
        num_attention_heads=4,
        num_hidden_layers=3,
        num_key_value_heads=2,
        vocab_size=320,
    )
    model = transformers.LlamaForCausalLM(config)
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    for dtype in (torch.float32, torch.bfloat16):
        folder = out / f"torch.save, {str(dtype).removeprefix('torch.')}"
        (folder / "model").mkdir(parents=True, exist_ok=True)
        cast = {name: tensor.to(dtype) for name, tensor in weights.items()}
        torch.save(cast, folder / "model" / "pytorch_model.bin")
        config.save_pretrained(folder / "model")
        save_file({name: tensor.float() for name, tensor in cast.items()}, folder / "truth.safetensors")
        said = {"tool": "torch", "version": torch.__version__, "operation": folder.name}
        (folder / "made.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
