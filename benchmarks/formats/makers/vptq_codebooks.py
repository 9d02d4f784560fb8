# /// script
# dependencies = [
#     "accelerate", "safetensors", "sentence-transformers", "torch==2.13.0", "transformers==5.24.0",
#     "vptq==0.0.5.post1",
# ]
# ///
"""Matrices as VPTQ stores them: codebooks and indices are drawn, since the search for them takes a GPU and days.

Indices are packed, and decoded for the truth, by VPTQ's own functions, in float32.
"""

import json
import math
import sys
from pathlib import Path
from typing import Any

import torch
from _toys import folder_of, leave, toy
from safetensors.torch import save_file
from vptq.ops.quant_gemm import dequant
from vptq.utils.pack import pack_index

OPERATIONS: dict[str, dict[str, Any]] = {
    "v8, 65536": {"length": 8, "vectors": 65536},
    "v8, 65536 and 256": {"length": 8, "vectors": 65536, "rest": 256},
    "v6, 4096, rows padded": {"length": 6, "vectors": 4096},
    "v8, 256, two groups": {"length": 8, "vectors": 256, "books": 2},
    "v8, 256, outliers of v4": {"length": 8, "vectors": 256, "aside": 4},
    "v8, 256, no order or norm": {"length": 8, "vectors": 256, "plain": True},
}


def matrix(
    out: int,
    size: int,
    length: int,
    vectors: int,
    rest: int = 0,
    books: int = 1,
    aside: int = 0,
    plain: bool = False,
) -> tuple[dict[str, torch.Tensor], dict[str, Any], torch.Tensor]:
    """The stored parts, the settings of the module, and what VPTQ makes of them."""
    own, group, padding = 4, (size - aside) // books, -out % length

    def drawn(number: int, *shape: int) -> torch.Tensor:
        return torch.randint(0, number, shape).to(torch.uint16).view(torch.int16)

    def floats(*shape: int) -> torch.Tensor:
        return torch.randn(*shape).half()

    tall = (out + padding) // length
    codes, further = drawn(vectors, books, tall, group), drawn(rest, books, tall, group) if rest else None
    bits = int(math.log2(vectors)), int(math.log2(rest)) if rest else 0
    parts: dict[str, torch.Tensor | None] = {
        "indices": pack_index(codes, bits[0], further, bits[1], index_dtype=torch.uint16),
        "centroids.weight": floats(books, vectors * length),
        "res_centroids.weight": floats(books, rest * length) if rest else None,
        "outlier_centroids.weight": floats(1, 16 * own) if aside else None,
        "outlier_indices": drawn(16, 1, -(-out // own), aside) if aside else None,
        "perm": None if plain else torch.randperm(size).to(torch.uint16).view(torch.int16),
        "weight_scale": None if plain else floats(size),
        "weight_bias": None if plain else floats(size),
    }
    asked = {part: x if x is None or not x.is_floating_point() else x.float() for part, x in parts.items()}
    outliers, rests = asked["outlier_centroids.weight"], asked["res_centroids.weight"]
    truth = dequant(
        indices=asked["indices"],
        centroids=asked["centroids.weight"].view(books, vectors, length),
        outlier_indices=asked["outlier_indices"],
        outlier_centroids=outliers,
        res_indices=None,
        res_centroids=rests,
        perm=asked["perm"],
        weight_scale=asked["weight_scale"],
        weight_bias=asked["weight_bias"],
        is_indice_packed=True,
        enable_outlier=aside > 0,
        enable_residual=rest > 0,
        enable_perm=not plain,
        enable_norm=not plain,
        num_centroids=vectors,
        num_outlier_centroids=16,
        num_res_centroids=rest,
        padding=padding,
        outlier_padding=-out % own,
        num_codebooks=books,
        group_size=group,
        outlier_size=aside,
        vector_len=length,
        outlier_vector_len=own,
    )
    said = {
        "in_features": size,
        "out_features": out,
        "vector_lens": [own if aside else -1, length],
        "num_centroids": [16 if aside else -1, vectors],
        "num_res_centroids": [-1, rest or -1],
        "group_num": books,
        "group_size": group,
        "outlier_size": aside,
        "indices_as_float": False,
        "is_indice_packed": True,
        "enable_norm": not plain,
        "enable_perm": not plain,
        "vector_quant_dim": "out",
    }
    return {part: x for part, x in parts.items() if x is not None}, said, truth


def main(out: Path) -> None:
    """Write one for each form."""
    for operation, form in OPERATIONS.items():
        torch.manual_seed(0)
        model, layers = toy(), {}
        stored, truth = {}, {}
        for name, weight in model.state_dict().items():
            if not name.endswith("_proj.weight"):
                stored[name] = truth[name] = weight
                continue
            module = name.removesuffix(".weight")
            parts, layers[module], truth[name] = matrix(*weight.shape, **form)
            stored |= {f"{module}.{part}": x.contiguous() for part, x in parts.items()}
        folder = folder_of(out, operation)
        save_file(stored, folder / "model.safetensors")
        config = model.config.to_dict() | {
            "quantization_config": {"quant_method": "vptq", "config_for_layers": layers}
        }
        (folder / "config.json").write_text(json.dumps(config), "utf-8")
        leave(out, "vptq", operation, truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
