"""Every model type of a census, as a checkpoint with random weights: its tensor names, shapes and configuration.

``python -m benchmarks.architectures`` writes the table that this reads, from models that Transformers built.
"""

from __future__ import annotations

import itertools
import json
import lzma
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from tests.checkpoints import Array

_TABLE = Path(__file__).with_suffix(".json.xz")


def models() -> dict[str, dict[str, Any]]:
    """Names, shapes and configuration of each model, by its type and ``hub`` or ``own``: whose names it has."""
    found: dict[str, dict[str, Any]] = json.loads(lzma.decompress(_TABLE.read_bytes()))
    return found


def shapes(model: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every tensor of a model."""
    for name, shape, numbers in model["tensors"]:
        chosen = numbers["all"] if "all" in numbers else itertools.product(*numbers["each"])
        for places in chosen:
            yield name.format(*places), tuple(shape)


def write(folder: Path, model: dict[str, Any], seed: int = 0) -> Path:
    """Write a checkpoint of a model with random weights."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Array] = {name: rng.random(shape, np.float32) for name, shape in shapes(model)}
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text(json.dumps(model["config"]), "utf-8")
    return folder
