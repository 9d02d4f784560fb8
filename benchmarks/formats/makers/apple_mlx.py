# /// script
# dependencies = [
#   "accelerate", "mlx[cpu]==0.32.4", "mlx-lm==0.32.2", "safetensors", "torch==2.13.0", "transformers==5.24.0"
# ]
# ///
"""Models as mlx-lm quantises them: every mode, bits of their own for some layers, and experts in one tensor.

The truth is mlx's own dequantiser, given its scales and biases in float32.
"""

import sys
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import torch
from _toys import folder_of, leave, toy
from gpt_oss import publish
from mlx import nn
from mlx.utils import tree_flatten
from mlx_lm.utils import load_model, quantize_model, save_config, save_model

OLD_NAMES = {"num_experts": 4, "rope_theta": 10000.0}
"""Settings that transformers 5 has renamed."""
OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    **{
        f"affine {bits} bits, group {group}": ("llama", {"bits": bits, "group_size": group})
        for bits, group in ((2, 32), (3, 64), (4, 64), (5, 32), (6, 128), (8, 64))
    },
    **{mode: ("llama", {"bits": None, "group_size": None, "mode": mode}) for mode in ("mxfp4", "mxfp8", "nvfp4")},
    "mixed bits": ("llama", {"bits": 4, "group_size": 64, "quant_predicate": lambda path, _: mixed(path)}),
    "qwen3_moe, affine 4 bits": ("qwen3_moe", {"bits": 4, "group_size": 64}),
    "qwen3_moe, nvfp4": ("qwen3_moe", {"bits": None, "group_size": None, "mode": "nvfp4"}),
    "qwen3_moe, nvfp4 with scales of experts": (
        "qwen3_moe",
        {"bits": None, "group_size": None, "mode": "nvfp4", "global_scale": True},
    ),
    "gpt_oss, experts in mxfp4, the rest in 8 bits": ("gpt_oss", {"bits": 8, "group_size": 64}),
}


def mixed(path: str) -> bool | dict[str, int]:
    """The down projection in 8 bits, the head in 6, one gate not at all."""
    if path.endswith("down_proj"):
        return {"bits": 8, "group_size": 32}
    return {"bits": 6, "group_size": 64} if path == "lm_head" else not path.endswith("layers.1.mlp.gate_proj")


def numbers(module: nn.Module) -> mx.array:
    """The weight of a module in float32."""
    if "scales" not in module:
        return module.weight.astype(mx.float32)
    said = {"group_size": module.group_size, "bits": module.bits, "mode": module.mode}
    if module.mode == "affine":
        wide = [module[part].astype(mx.float32) for part in ("scales", "biases")]
        return mx.dequantize(module.weight, *wide, **said)
    if module.get("global_scale") is None:
        return mx.dequantize(module.weight, module.scales, dtype=mx.float32, **said)
    each = zip(module.weight, module.scales, module.global_scale, strict=True)
    return mx.stack([mx.dequantize(w, s, global_scale=g, dtype=mx.float32, **said) for w, s, g in each])


def main(out: Path) -> None:
    """Write one for each operation."""
    for operation, (kind, settings) in OPERATIONS.items():
        source = out / "sources" / kind
        if not source.exists():
            source.mkdir(parents=True)
            publish(source) if kind == "gpt_oss" else toy(kind).save_pretrained(source)
        model, config = load_model(source, model_config=OLD_NAMES)
        model, config = quantize_model(model, config, **settings)
        folder = folder_of(out, operation)
        save_model(folder, model)
        save_config(config, folder / "config.json")
        truth = {f"{path}.weight": numbers(m) for path, m in model.named_modules() if "weight" in m}
        truth |= {k: v.astype(mx.float32) for k, v in tree_flatten(model.parameters()) if k.endswith("bias")}
        leave(out, "mlx", operation, {name: torch.from_numpy(np.array(x)) for name, x in truth.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
