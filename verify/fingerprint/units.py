"""MLP components of one layer: projected unit vectors, and responses of units to anchors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint
from .circuits import circuit, in_circuits
from .responses import Tokens, centred
from .scan import Scan
from .sketch import SketchSpec, chosen_indices, projection, unit_rows

Arrays = dict[str, NDArray[np.floating]]


def mlp_components(checkpoint: Checkpoint, scan: Scan, layer: int, sketch: SketchSpec, tokens: Tokens) -> Arrays:
    """Arrays ``units.*``, ``response.*`` and ``match.*`` of the MLPs of a layer, dense, routed or shared.

    Shapes and meanings are in the table of :mod:`verify.fingerprint.record`.

    The response is of ``gate`` rows where there is a gate, else of ``up`` rows: under a sign flip
    of a unit, the gate's sign stays. ``units`` and ``response`` keep units chosen by index, for tests
    that need the choice fixed in advance; ``match`` keeps those of largest response, a choice that
    follows any permutation.
    """
    arrays: Arrays = {}
    first = "gate" if checkpoint.architecture.gated else "up"
    reading = tokens.reading("mlp", layer)
    for bundle, prefix, experts, by_index, by_response in _bundles(checkpoint, layer, sketch):
        parts: dict[str, list[NDArray[np.floating]]] = {}

        def keep(name: str, rows: NDArray[np.float64], parts: dict[str, list[NDArray[np.floating]]] = parts) -> None:
            parts.setdefault(name, []).append(unit_rows(rows))

        for expert in experts:
            width, hidden = checkpoint.shape(prefix + "down", layer, expert)
            chosen, signs = chosen_indices("units", hidden, by_index), projection(width, sketch.projections)
            rows, products = scan.rows_and_products(prefix + first, layer, chosen, reading, expert)
            responses = centred(products)
            strongest = _strongest(responses, by_response)
            keep(f"units.{layer}.{bundle}.{first}", rows @ signs)
            keep(f"response.{layer}.{bundle}", responses[chosen])
            keep(f"match.{layer}.{bundle}.{first}", responses[strongest])
            wanted = np.union1d(chosen, strongest)
            at_chosen, at_strongest = np.searchsorted(wanted, chosen), np.searchsorted(wanted, strongest)
            whole = bundle == "mlp" and in_circuits(layer, checkpoint.architecture)
            if first == "gate":
                rows, products = scan.rows_and_products(
                    prefix + "up", layer, wanted, reading if whole else None, expert
                )
                keep(f"units.{layer}.{bundle}.up", rows[at_chosen] @ signs)
                keep(f"match.{layer}.{bundle}.up", centred(rows[at_strongest] @ reading))
            readers = (signs, tokens.writing, tokens.embedding.T)
            columns = np.arange(hidden) if whole else wanted
            seen = scan.columns(prefix + "down", layer, columns, np.hstack(readers), expert)
            projected, written, embedded = np.split(seen, np.cumsum([x.shape[1] for x in readers])[:-1], axis=1)
            at_chosen, at_strongest = np.searchsorted(columns, chosen), np.searchsorted(columns, strongest)
            keep(f"units.{layer}.{bundle}.down", projected[at_chosen])
            keep(f"match.{layer}.{bundle}.down", centred(written[at_strongest]))
            if whole:
                arrays[f"circuit.{layer}.ffn"] = circuit(products, embedded)
        arrays |= {name: np.stack(copies) for name, copies in parts.items()}
    return arrays


def _strongest(responses: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Indices of the units of largest response, largest first; those not finite last."""
    size = np.square(responses).sum(1)
    return np.argsort(-np.where(np.isfinite(size), size, -1.0), kind="stable")[:count]


def _bundles(
    checkpoint: Checkpoint, layer: int, sketch: SketchSpec
) -> list[tuple[str, str, list[int | None], int, int]]:
    """(bundle, role prefix, experts, units kept by index, by response) of the MLPs present in a layer."""
    found: list[tuple[str, str, list[int | None], int, int]] = []
    if checkpoint.has("down", layer):
        found.append(("mlp", "", [None], sketch.units, sketch.match_units))
    if checkpoint.has("expert_down", layer, 0):
        routed: list[int | None] = list(range(checkpoint.architecture.experts))
        found.append(("experts", "expert_", routed, sketch.expert_units, sketch.match_expert_units))
    if checkpoint.has("shared_down", layer):
        found.append(("shared", "shared_", [None], sketch.units, sketch.match_units))
    return found
