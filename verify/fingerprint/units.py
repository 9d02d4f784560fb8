"""MLP components of one layer: unit vectors and responses at chosen indices, and the strongest responses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint
from .circuits import circuit, in_circuits
from .responses import Tokens, centred
from .scan import Scan
from .sketch import Effort, SketchSpec, chosen_indices, projection, unit_rows

Arrays = dict[str, NDArray[np.floating]]


@dataclass(frozen=True)
class _Bundle:
    """The MLPs of one kind in a layer."""

    name: str
    prefix: str
    """Of their roles."""
    experts: list[int | None]
    by_index: int
    """Units kept by index."""
    by_response: int


def sampled_units(
    scan: Scan, checkpoint: Checkpoint, layer: int, sketch: SketchSpec, effort: Effort, tokens: Tokens
) -> Arrays:
    """Arrays ``units.*`` and ``response.*`` of the MLPs of a layer, from rows at chosen indices.

    Shapes and meanings are in the table of :mod:`verify.fingerprint.record`. The response is of ``gate`` rows where
    there is a gate, else of ``up`` rows: under a sign flip of a unit, the gate's sign stays.
    """
    parts: dict[str, list[NDArray[np.floating]]] = {}
    signs, reading = projection(checkpoint.architecture.width, sketch.projections), tokens.reading("mlp", layer)
    first = _first(checkpoint)
    for bundle in _bundles(checkpoint, layer, sketch):
        units = f"units.{layer}.{bundle.name}"
        for expert in bundle.experts:
            hidden = checkpoint.shape(bundle.prefix + "down", layer, expert)[1]
            chosen = chosen_indices("units", hidden, bundle.by_index)
            rows = scan.rows(bundle.prefix + first, layer, chosen, expert)
            _keep(parts, f"{units}.{first}", rows @ signs)
            _keep(parts, f"response.{layer}.{bundle.name}", centred(rows @ reading))
            if first == "gate":
                _keep(parts, f"{units}.up", scan.rows(bundle.prefix + "up", layer, chosen, expert) @ signs)
            if effort != "screen":
                down = scan.leading_columns(bundle.prefix + "down", layer, chosen, signs[: sketch.rows], expert)
                _keep(parts, f"{units}.down", down)
    return {name: np.stack(copies) for name, copies in parts.items()}


def strongest_units(scan: Scan, checkpoint: Checkpoint, layer: int, sketch: SketchSpec, tokens: Tokens) -> Arrays:
    """Arrays ``match.*`` and, of the last layers, ``circuit.{layer}.ffn``, from all entries.

    ``match`` keeps the units of largest response, a choice that follows any permutation.
    """
    parts: dict[str, list[NDArray[np.floating]]] = {}
    arrays: Arrays = {}
    reading, first = tokens.reading("mlp", layer), _first(checkpoint)
    for bundle in _bundles(checkpoint, layer, sketch):
        match, whole = (
            f"match.{layer}.{bundle.name}",
            bundle.name == "mlp" and in_circuits(layer, checkpoint.architecture),
        )
        for expert in bundle.experts:
            read = _products(scan, bundle.prefix + first, layer, expert, reading)
            strongest = _strongest(centred(read), bundle.by_response)
            _keep(parts, f"{match}.{first}", centred(read)[strongest])
            if first == "gate":
                order = np.argsort(strongest)
                rows = checkpoint.read(bundle.prefix + "up", layer, expert, rows=strongest[order])
                _keep(parts, f"{match}.up", centred(rows.astype(np.float64) @ reading)[np.argsort(order)])
                read = _products(scan, bundle.prefix + "up", layer, expert, reading) if whole else read
            hidden = checkpoint.shape(bundle.prefix + "down", layer, expert)[1]
            columns = np.arange(hidden) if whole else strongest
            readers = np.hstack([tokens.writing, tokens.embedding.T]) if whole else tokens.writing
            seen = np.zeros((len(columns), readers.shape[1]))
            for start, block in scan.blocks(bundle.prefix + "down", layer, expert):
                seen += block[:, columns].T.astype(np.float64) @ readers[start : start + len(block)]
            written, embedded = seen[:, : tokens.writing.shape[1]], seen[:, tokens.writing.shape[1] :]
            _keep(parts, f"{match}.down", centred(written[strongest] if whole else written))
            if whole:
                arrays[f"circuit.{layer}.ffn"] = circuit(read, embedded)
    return arrays | {name: np.stack(copies) for name, copies in parts.items()}


def _keep(parts: dict[str, list[NDArray[np.floating]]], name: str, rows: NDArray[np.float64]) -> None:
    parts.setdefault(name, []).append(unit_rows(rows))


def _first(checkpoint: Checkpoint) -> str:
    return "gate" if checkpoint.architecture.gated else "up"


def _products(
    scan: Scan, role: str, layer: int, expert: int | None, matrix: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The product of all rows of a tensor with a matrix [in, k], shape [rows, k]."""
    return np.concatenate([block.astype(np.float64) @ matrix for _, block in scan.blocks(role, layer, expert)])


def _strongest(responses: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Indices of the units of largest response, largest first; those not finite last."""
    size = np.square(responses).sum(1)
    return np.argsort(-np.where(np.isfinite(size), size, -1.0), kind="stable")[:count]


def _bundles(checkpoint: Checkpoint, layer: int, sketch: SketchSpec) -> Iterator[_Bundle]:
    """Those present in a layer."""
    if checkpoint.has("down", layer):
        yield _Bundle("mlp", "", [None], sketch.units, sketch.match_units)
    if checkpoint.has("expert_down", layer, 0):
        routed: list[int | None] = list(range(checkpoint.architecture.experts))
        yield _Bundle("experts", "expert_", routed, sketch.expert_units, sketch.match_expert_units)
    if checkpoint.has("shared_down", layer):
        yield _Bundle("shared", "shared_", [None], sketch.units, sketch.match_units)
