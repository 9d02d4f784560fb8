# /// script
# dependencies = ["gptqmodel==7.7.0", "transformers==5.24.0"]
# ///
"""Matrices as GPTQModel packs them in each of its layouts of GPTQ; codes are rounded here, without a calibration.

Packed by the layer that GPTQModel saves, stored as its writer stores zero points, and decoded for the truth by that
layer, its scales in float32.
"""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

os.environ["TORCHDYNAMO_DISABLE"] = "1"

import torch
from _toys import folder_of, leave, toy
from gptqmodel.nn_modules.qlinear.torch import TorchLinear
from gptqmodel.utils.model import convert_gptq_v2_to_v1_format_module
from safetensors.torch import save_file

GROUP = 32
OPERATIONS = {
    **{f"{bits} bits": (bits, "gptq") for bits in (2, 3, 4, 8)},
    **{f"{bits} bits, v2": (bits, "gptq_v2") for bits in (2, 3, 4, 8)},
    **{f"{bits} bits in planes": (bits, "gptq_p") for bits in (2, 3, 4, 5, 6, 7, 8)},
}


def packed(weight: torch.Tensor, bits: int, form: str, order: bool) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """What is stored of a matrix, and its numbers."""
    out, size = weight.shape
    groups = torch.arange(size) // GROUP
    groups = groups[torch.randperm(size)] if order else groups
    scales, zeros = torch.empty(out, size // GROUP), torch.empty(out, size // GROUP)
    for group in range(size // GROUP):
        runs = weight[:, groups == group].float()
        low, high = runs.amin(1).clamp(max=0), runs.amax(1).clamp(min=0)
        scales[:, group] = ((high - low) / (2**bits - 1)).half().float()
        zeros[:, group] = (-low / scales[:, group]).round().clamp(1, 2**bits - 1)
    plain = torch.nn.Linear(size, out, bias=False)
    plain.weight.data = weight.float()
    layer = TorchLinear(
        bits=bits, group_size=GROUP, sym=False, desc_act=order, in_features=size, out_features=out, format=form
    )
    layer.pack_original(plain, scales, zeros, groups.int())
    layer.post_init()
    layer.scales = layer.scales.float()
    truth = layer.dequantize_weight().T.float().contiguous()
    if form == "gptq":
        convert_gptq_v2_to_v1_format_module(layer, SimpleNamespace(bits=bits, pack_dtype=torch.int32))
    parts = {part: getattr(layer, part) for part in ("qweight", "qzeros", "g_idx")}
    return parts | {"scales": layer.scales.half()}, truth


def main(out: Path) -> None:
    """Write one for each layout; the input channels of one matrix of each layer in another order."""
    for operation, (bits, form) in OPERATIONS.items():
        torch.manual_seed(0)
        model = toy()
        stored, truth = {}, {}
        for name, weight in model.state_dict().items():
            if not name.endswith("_proj.weight"):
                stored[name] = truth[name] = weight
                continue
            parts, truth[name] = packed(weight, bits, form, name.endswith("down_proj.weight"))
            stored |= {f"{name.removesuffix('weight')}{part}": x.clone() for part, x in parts.items()}
        folder = folder_of(out, operation)
        save_file(stored, folder / "model.safetensors")
        said = {"quant_method": "gptq", "bits": bits, "group_size": GROUP, "desc_act": True, "sym": False}
        config = model.config.to_dict() | {"quantization_config": said | {"checkpoint_format": form}}
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        leave(out, "gptqmodel", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
