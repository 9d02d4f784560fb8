# /// script
# dependencies = ["accelerate", "auto-round==0.16.1", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Models as AutoRound rounds and saves them in its own formats.

The truth is what AutoRound's own layers make of the unit matrix, their scales in float32. Of floats of 8 and 4 bits
it is the dequantiser of transformers.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from _toys import folder_of, leave, toy
from auto_round import AutoRound
from auto_round.export.export_to_awq.utils import dequantize_gemm
from auto_round_extension.torch import qlinear_torch, qlinear_torch_zp
from safetensors.torch import load_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.integrations.finegrained_fp8 import Fp8Dequantize

_EIGHT = {"model.layers.0.mlp.down_proj": {"bits": 8, "group_size": 32, "sym": True}}
OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"{bits} bits": ("auto_round", {"bits": bits, "group_size": 32}) for bits in (2, 3, 4, 8)},
    **{f"{bits} bits, gptqmodel": ("auto_round:gptqmodel", {"bits": bits, "group_size": 32}) for bits in (2, 4, 8)},
    "4 bits, asymmetric, gptqmodel": ("auto_round:gptqmodel", {"bits": 4, "group_size": 32, "sym": False}),
    "4 bits, asymmetric": ("auto_round", {"bits": 4, "group_size": 32, "sym": False}),
    "4 bits and 8": ("auto_round", {"bits": 4, "group_size": 32, "layer_config": _EIGHT}),
    **{scheme: ("auto_round", {"scheme": scheme}) for scheme in ("MXFP4", "MXFP8", "FP8_BLOCK")},
}
_PARTS = ("qweight", "qzeros", "scales", "g_idx", "weight_packed", "weight_scale", "weight_scale_inv")


def numbers(parts: dict[str, torch.Tensor], settings: dict[str, Any]) -> torch.Tensor:
    """The matrix of a layer."""
    if "qweight" not in parts:
        scale = parts.get("weight_scale", parts.get("weight_scale_inv"))
        codes = parts["weight_packed"].view(torch.int8) if "weight_packed" in parts else parts["weight"]
        return Fp8Dequantize(None)._dequantize_one(codes, scale, torch.float32)
    words, out = parts["qweight"].shape
    group, scales, packing = settings["group_size"], parts["scales"].float(), settings["packing_format"]
    if "awq" in packing:
        return dequantize_gemm(parts["qweight"], parts["qzeros"], scales, settings["bits"], group).T
    bits = 32 * parts["qzeros"].shape[1] // out
    size = 32 * words // bits
    kind = (qlinear_torch_zp if packing == "auto_round:auto_gptq" else qlinear_torch).QuantLinear
    layer = kind(bits, group, size, out, bias=False)
    order = parts.pop("g_idx", None)  # with it the layer takes square matrices alone
    assert order is None or torch.equal(order, torch.arange(size) // group)
    layer.load_state_dict(parts)
    layer.scales = scales
    return layer(torch.eye(size)).T


def main(out: Path) -> None:
    """Write one for each operation."""
    words = WordLevel({str(n): n for n in range(300)}, unk_token="0")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words))
    source = out / "sources"
    toy().save_pretrained(source)
    for operation, (form, settings) in OPERATIONS.items():
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
        rounding = AutoRound(model, tokenizer, iters=0, device_map="cpu", disable_opt_rtn=True, **settings)
        rounding.quantize_and_save(str(out / "saved" / operation), format=form)
        (saved,) = (out / "saved" / operation).rglob("config.json")
        folder = folder_of(out, operation)
        for path in saved.parent.iterdir():
            path.rename(folder / path.name)
        said = json.loads((folder / "config.json").read_text())["quantization_config"]
        truth: dict[str, torch.Tensor] = {}
        groups: dict[str, dict[str, torch.Tensor]] = {}
        stored = load_file(folder / "model.safetensors")
        for name, x in stored.items():
            module, _, part = name.rpartition(".")
            if part in _PARTS or x.dtype == torch.float8_e4m3fn:
                groups.setdefault(module, {})[part] = x
            else:
                truth[name] = x
        truth |= {f"{module}.weight": numbers(parts, said) for module, parts in groups.items()}
        leave(out, "auto-round", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
