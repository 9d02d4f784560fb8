# /// script
# dependencies = ["accelerate", "aqlm==1.1.7", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Matrices as AQLM stores them: codes and codebooks are drawn, since the search for them needs a GPU.

Codes are packed, and decoded for the truth, by AQLM's own functions.
"""

import json
import sys
from pathlib import Path

import torch
from _toys import folder_of, leave, toy
from aqlm.utils import _dequantize_weight, pack_int_data, unpack_int_data
from safetensors.torch import save_file

OPERATIONS = {
    "1x16": (1, 16, 1, 8),
    "2x8": (2, 8, 1, 8),
    "4x8": (4, 8, 1, 16),
    "1x12, blocks of 2 by 8": (1, 12, 2, 8),
}
"""Codebooks, bits of a code, rows and columns of a vector."""


def main(out: Path) -> None:
    """Write one for each form."""
    for operation, (books, bits, high, low) in OPERATIONS.items():
        torch.manual_seed(0)
        model = toy()
        stored, truth = {}, {}
        for name, weight in model.state_dict().items():
            if not name.endswith("_proj.weight"):
                stored[name] = truth[name] = weight
                continue
            rows, columns = weight.shape
            codes = pack_int_data(torch.randint(0, 2**bits, (rows // high, columns // low, books)), bits)
            codebooks = torch.randn(books, 2**bits, high, low).half()
            scales = torch.rand(rows // high, 1, 1, 1).half()
            truth[name] = _dequantize_weight(unpack_int_data(codes, bits), codebooks.float(), scales.float())
            parts = {"codes": codes, "codebooks": codebooks, "scales": scales}
            stored |= {f"{name.removesuffix('weight')}{part}": x for part, x in parts.items()}
        folder = folder_of(out, operation)
        save_file(stored, folder / "model.safetensors")
        said = {"quant_method": "aqlm", "num_codebooks": books, "nbits_per_codebook": bits}
        said |= {"out_group_size": high, "in_group_size": low, "linear_weights_not_to_quantize": ["lm_head.weight"]}
        config = model.config.to_dict() | {"quantization_config": said}
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        leave(out, "aqlm", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
