# /// script
# requires-python = "==3.11.*"
# dependencies = ["vllm==0.33.0"]
# ///
"""Matrices as AutoGPTQ stores them for the Marlin kernel, packed by the same functions, which vLLM keeps.

Their own numbers, in the half precision that they round in, are the truth.
"""

import json
import sys
from pathlib import Path

import torch
import vllm.platforms
from _toys import folder_of, leave, toy
from safetensors.torch import save_file
from vllm.platforms.cpu import CpuPlatform

vllm.platforms._current_platform = CpuPlatform()  # before what asks for it is loaded

from vllm.model_executor.layers.quantization.utils.marlin_utils_test import marlin_quantize  # noqa: E402
from vllm.scalar_type import scalar_types  # noqa: E402

GROUPS = {"Marlin, group 32": 32, "Marlin, group 64": 64, "Marlin, channel": -1}


def main(out: Path) -> None:
    """Write one for each size of groups."""
    for operation, group in GROUPS.items():
        model = toy()
        stored, truth = {}, {}
        for name, weight in model.state_dict().items():
            if not name.endswith("_proj.weight"):
                stored[name] = truth[name] = weight
                continue
            module = name.removesuffix(".weight")
            numbers, codes, scales = marlin_quantize(weight.T.half().contiguous(), scalar_types.uint4b8, group)
            truth[name] = numbers.T
            room = torch.zeros(weight.shape[0] // 128 * 16, dtype=torch.int32)
            stored |= {f"{module}.B": codes, f"{module}.s": scales.half(), f"{module}.workspace": room}
        folder = folder_of(out, operation)
        save_file({name: x.contiguous() for name, x in stored.items()}, folder / "model.safetensors")
        said = {"quant_method": "gptq", "bits": 4, "group_size": group, "sym": True, "checkpoint_format": "marlin"}
        config = model.config.to_dict() | {
            "quantization_config": said | {"is_marlin_format": True, "desc_act": False}
        }
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        leave(out, "vllm", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
