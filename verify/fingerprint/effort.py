"""A fingerprint cut down to what the smallest effort reads: part of each choice of indices, fixed in advance too."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Architecture
from .sketch import SketchSpec, chosen_indices

Arrays = Mapping[str, NDArray[np.floating]]


def screened(shape: Architecture, sketch: SketchSpec, arrays: Arrays) -> dict[str, NDArray[np.floating]]:
    """Of sampled arrays, what screen effort keeps: fewer indices, neither ``down`` nor ``o``."""
    fewer = sketch.at("screen")
    sizes = {
        "mlp": ("units", shape.hidden, sketch.units, fewer.units),
        "shared": ("units", shape.shared_hidden, sketch.units, fewer.units),
        "experts": ("units", shape.expert_hidden, sketch.expert_units, fewer.expert_units),
        "values": ("channels", shape.head_size, sketch.channels, fewer.channels),
    }
    kept = {}
    for name, array in arrays.items():
        kind, *parts = name.split(".")
        if parts[-1] in ("down", "o"):
            continue
        if kind in ("units", "values", "response"):
            purpose, size, count, less = sizes["values" if kind == "values" else parts[1]]
            chosen = np.isin(chosen_indices(purpose, size, count), chosen_indices(purpose, size, less))
            kept[name] = array[:, chosen]
        else:
            kept[name] = array
    return kept
