# /// script
# dependencies = ["accelerate", "autoawq==0.2.9", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Models whose matrices AutoAWQ packs for its kernels of version gemv, which run on a GPU alone.

The truth is the codes that it packs: it rounds a matrix that is already scale * (code - zero), so nothing is lost.
"""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import torch
from _toys import folder_of, leave, toy
from safetensors.torch import save_file


def packer() -> ModuleType:
    """AutoAWQ's file of this version alone: the package as a whole needs an older transformers."""
    home = importlib.util.find_spec("awq").submodule_search_locations[0]
    for name in ("awq", "awq.utils", "awq.utils.module"):
        sys.modules[name] = ModuleType(name)
    sys.modules["awq.utils.module"].try_import = lambda _: (None, "")
    spec = importlib.util.spec_from_file_location("gemv", Path(home) / "modules" / "linear" / "gemv.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(out: Path) -> None:
    """Write one for each size of a group."""
    layer = packer().WQLinear_GEMV
    for group in (32, 64, 128):
        model, stored, truth = toy(), {}, {}
        for name, weight in model.state_dict().items():
            if not name.endswith("_proj.weight"):
                stored[name] = truth[name] = weight
                continue
            runs = weight.float().unflatten(1, (-1, group))
            low, high = runs.amin(-1), runs.amax(-1)
            scales = ((high - low) / 15).half().float()
            zeros = torch.round(-low / scales).clamp(0, 15)
            codes = torch.round(runs / scales[..., None] + zeros[..., None]).clamp(0, 15)
            truth[name] = (scales[..., None] * (codes - zeros[..., None])).flatten(1)
            linear = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
            linear.weight.data = truth[name]
            packed = layer.from_linear(linear, 4, group, scales=scales, zeros=zeros)
            stored |= {f"{name.removesuffix('weight')}{part}": x for part, x in packed.state_dict().items()}
        operation = f"group {group}"
        folder = folder_of(out, operation)
        save_file({name: x.contiguous() for name, x in stored.items()}, folder / "model.safetensors")
        settings = {"quant_method": "awq", "bits": 4, "group_size": group, "version": "gemv", "zero_point": True}
        config = model.config.to_dict() | {"quantization_config": settings}
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        leave(out, "autoawq", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
