# /// script
# dependencies = ["accelerate", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""gpt-oss in MXFP4 as it is published, and in bfloat16 as transformers dequantises that.

transformers quantises by kernels of a GPU alone, so the codes are chosen here and the numbers are what it loads.
"""

import json
import sys
from pathlib import Path

import torch
from _toys import folder_of, leave, toy
from safetensors.torch import save_file
from transformers import GptOssForCausalLM, Mxfp4Config
from transformers.integrations.mxfp4 import FP4_VALUES

SKIPPED = ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"]


def blocks(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes and scales of experts [expert, in, out]: runs of 32 along the input, first code in the low half."""
    runs = weight.float().transpose(1, 2).unflatten(-1, (-1, 32))
    exponent = torch.floor(torch.log2(runs.abs().amax(-1))) - 2
    scaled = runs / torch.exp2(exponent)[..., None]
    codes = (scaled[..., None] - torch.tensor(FP4_VALUES)).abs().argmin(-1).to(torch.uint8)
    return codes[..., 0::2] | codes[..., 1::2] << 4, (exponent + 127).to(torch.uint8)


def publish(folder: Path) -> None:
    """A model as it is published."""
    model = toy("gpt_oss")
    stored = {}
    for name, tensor in model.state_dict().items():
        if name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            stored[f"{name}_blocks"], stored[f"{name}_scales"] = blocks(tensor)
        else:
            stored[name] = tensor.contiguous()
    save_file(stored, folder / "model.safetensors", {"format": "pt"})
    settings = {"quant_method": "mxfp4", "modules_to_not_convert": SKIPPED}
    config = model.config.to_dict() | {"quantization_config": settings}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")


def main(out: Path) -> None:
    """Write both."""
    folder = folder_of(out, "MXFP4")
    publish(folder)
    loaded = GptOssForCausalLM.from_pretrained(
        folder, quantization_config=Mxfp4Config(dequantize=True), dtype=torch.bfloat16
    )
    truth = loaded.state_dict()
    loaded.save_pretrained(folder_of(out, "bfloat16"))
    leave(out, "transformers", "bfloat16", truth)
    turned = {name: x.transpose(1, 2) if name.endswith(("up_proj", "down_proj")) else x for name, x in truth.items()}
    leave(out, "transformers", "MXFP4", turned)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
