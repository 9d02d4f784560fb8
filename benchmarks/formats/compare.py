"""One model that a tool wrote, as `verify` reads it, beside the tool's own numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from verify import CheckpointError, open_checkpoint
from verify.checkpoint.formats.tensor import Tensor
from verify.checkpoint.opening import contents
from verify.checkpoint.places.place import Location

MADE, MODEL, TRUTH, BASE, ORIGINAL = "made.json", "model", "truth.safetensors", "base", "original"
"""What a maker leaves in the folder of an operation: tool, version and operation; the model; the tool's own numbers
by name of the tensor; perhaps the base of an adapter; perhaps the original, if its fused tensors were taken apart."""
Row = dict[str, Any]


def compared(folder: Path) -> Row:
    """Compare every tensor of which the tool told its own numbers.

    Returns
    -------
    dict
        ``tool``, ``version``, ``operation``; ``said``: the refusal, if any; ``tensors``: how many were compared;
        ``equal``: how many are equal number by number; ``missing``: how many are not read; ``apart``: largest root
        mean square difference of a tensor, in units of its own root mean square; ``understood``: whether it is opened
        as a model.
    """
    made = json.loads((folder / MADE).read_text("utf-8"))
    row: Row = {**made, "said": None, "tensors": 0, "equal": 0, "missing": 0, "apart": 0.0, "understood": False}
    model, base = folder / MODEL, folder / BASE
    (only,) = [model] if model.is_dir() else folder.glob(f"{MODEL}.*")
    given = Location(str(only), base=str(base) if base.exists() else None)
    try:
        found = contents(given).found
        original = folder / ORIGINAL
        pairs = _by_key(given, original) if original.exists() else _by_name(found, folder / TRUTH)
        for read, truth in pairs:
            if read is None:
                row["missing"] += 1
                continue
            row["tensors"] += 1
            apart = _apart(read, truth)
            row["equal"] += apart == 0
            row["apart"] = max(row["apart"], float(f"{apart:.2g}"))
        open_checkpoint(given)
    except CheckpointError as error:
        return {**row, "said": str(error).replace(str(folder), "")}
    return {**row, "understood": True}


Pair = tuple[NDArray[np.float32] | None, NDArray[np.float32]]
"""A tensor as `verify` reads it, None if it does not, and its true numbers."""


def _by_name(found: dict[str, Tensor], truth: Path) -> Iterator[Pair]:
    for name, numbers in load_file(truth).items():
        yield _read(found[name]) if name in found else None, np.asarray(numbers, dtype=np.float32)


def _by_key(given: Location, original: Path) -> Iterator[Pair]:
    """Of each role in each layer, where a tool gave tensors other names or took fused ones apart."""
    model, truth = open_checkpoint(given), open_checkpoint(original)
    for layer in (None, *range(truth.architecture.layers)):
        held = model.keys(layer)
        for key in truth.keys(layer):
            yield model.read(*key) if key in held else None, truth.read(*key)


def _read(tensor: Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.read(), dtype=np.float32)


def _apart(read: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Root mean square difference in units of the truth's root mean square; infinite if shapes differ."""
    if read.shape != truth.shape:
        return float("inf")
    if np.array_equal(read, truth):
        return 0.0
    size = float(np.sqrt(np.mean(np.square(truth, dtype=np.float64))))
    return float(np.sqrt(np.mean(np.square(read.astype(np.float64) - truth)))) / (size or 1.0)
