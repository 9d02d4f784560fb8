"""MLP components of one layer: projected unit vectors, and responses of units to anchors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint
from .responses import response
from .scan import Scan
from .sketch import SketchSpec, chosen_indices, projection, unit_rows

Arrays = dict[str, NDArray[np.floating]]


def mlp_components(
    checkpoint: Checkpoint,
    scan: Scan,
    layer: int,
    sketch: SketchSpec,
    gain: NDArray[np.float64],
    embedding: NDArray[np.float64],
) -> Arrays:
    """Arrays ``units.*`` and ``response.*`` of the MLPs of a layer, dense, routed or shared.

    ``gain`` [width] is of the norm before the MLP, ``embedding`` [anchors, width] of the anchors.
    The response is of ``gate`` rows where there is a gate, else of ``up`` rows: under a sign flip
    of a unit, the gate's sign stays.
    """
    arrays: Arrays = {}
    for bundle, prefix, experts, count in _bundles(checkpoint, layer, sketch):
        parts: dict[str, list[NDArray[np.floating]]] = {}
        for expert in experts:
            width, hidden = checkpoint.shape(prefix + "down", layer, expert)
            chosen = chosen_indices("units", hidden, count)
            signs = projection(width, sketch.projections)
            for role in ("gate", "up"):
                if not checkpoint.has(prefix + role, layer, expert):
                    continue
                rows = scan.rows(prefix + role, layer, chosen, expert)
                parts.setdefault(f"units.{layer}.{bundle}.{role}", []).append(unit_rows(rows @ signs))
                if role == "gate" or not checkpoint.architecture.gated:
                    seen = response(rows, gain, embedding)
                    parts.setdefault(f"response.{layer}.{bundle}", []).append(seen)
            down = scan.columns(prefix + "down", layer, chosen, signs, expert)
            parts.setdefault(f"units.{layer}.{bundle}.down", []).append(unit_rows(down))
        arrays |= {name: np.stack(copies) for name, copies in parts.items()}
    return arrays


def _bundles(checkpoint: Checkpoint, layer: int, sketch: SketchSpec) -> list[tuple[str, str, list[int | None], int]]:
    """(bundle, role prefix, experts, units kept) of the MLPs present in a layer."""
    found: list[tuple[str, str, list[int | None], int]] = []
    if checkpoint.has("down", layer):
        found.append(("mlp", "", [None], sketch.units))
    if checkpoint.has("expert_down", layer, 0):
        routed: list[int | None] = list(range(checkpoint.architecture.experts))
        found.append(("experts", "expert_", routed, sketch.expert_units))
    if checkpoint.has("shared_down", layer):
        found.append(("shared", "shared_", [None], sketch.units))
    return found
