"""MLP arrays of one layer: unit vectors and responses at chosen indices, and the units of largest response."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint
from .circuits import circuit
from .layout import STATE, ArraySpec, Bundle, bundle_specs, bundles, mlp_roles, router_specs
from .products import images, images_of_columns
from .responses import Tokens, centred, less_common
from .scales import lengths
from .scan import Scan
from .sketch import Effort, SketchSpec, projection, unit_rows

Arrays = dict[str, NDArray[np.floating]]


def sampled_units(
    scan: Scan, checkpoint: Checkpoint, layer: int, sketch: SketchSpec, effort: Effort, tokens: Tokens
) -> Arrays:
    """Arrays ``units.*``, ``response.*`` and ``scales.*`` of the MLPs of a layer, from rows at chosen indices.

    Responses are of ``gate`` rows if there is a gate, else of ``up`` rows: a sign flip of a unit leaves its gate
    unchanged.

    Parameters
    ----------
    scan : reads and digests rows.
    checkpoint : that the layer is of.
    layer : number of the layer.
    sketch : sizes, as of this effort.
    effort : below ``standard``, no ``down``.
    tokens : the anchors as the model sees them.

    Returns
    -------
    dict of str to numpy arrays
        As the table of :mod:`verify.fingerprint.layout` says.
    """
    parts: dict[str, list[NDArray[np.floating]]] = {}
    signs, reading = projection(checkpoint.architecture.width, sketch.projections), tokens.reading("mlp", layer)
    first = _first(checkpoint)
    for bundle, specs in _present(checkpoint, layer, sketch, tokens):
        roles = {spec.role: spec.name for spec in specs if spec.component == "units" and spec.held_at(effort)}
        response = next(spec.name for spec in specs if spec.component == "response")
        scales = next((spec.name for spec in specs if spec.component == "scales"), None)
        images = tokens.reading("attn", layer) if bundle.name == STATE else reading
        for expert in _experts(bundle):
            for role, name in roles.items():
                if role != "down":
                    rows = scan.rows(bundle.prefix + role, layer, bundle.rows, expert)
                    _keep(parts, name, rows @ signs, bundle.together)
                    if role == first:
                        _keep(parts, response, centred(rows @ images), bundle.together)
                    if role == "up" and scales is not None:
                        parts.setdefault(scales, []).append(lengths(rows))
                else:
                    leading = signs[: sketch.rows]
                    down = scan.leading_columns(bundle.prefix + role, layer, bundle.rows, leading, expert)
                    _keep(parts, name, down, bundle.together)
    return {name: np.stack(copies) for name, copies in parts.items()}


def whole_units(
    scan: Scan, checkpoint: Checkpoint, layer: int, sketch: SketchSpec, tokens: Tokens, *, panels: bool
) -> Arrays:
    """Arrays ``match.*``, ``routers.{layer}.experts`` and, for panels, ``circuit.{layer}.ffn`` of the last layers.

    All are made from all entries.

    ``match`` keeps the units of largest response, a choice that is equivariant under permutations.

    Parameters
    ----------
    scan : reads and digests whole tensors.
    checkpoint : that the layer is of.
    layer : number of the layer.
    sketch : sizes.
    tokens : the anchors as the model sees them.
    panels : whether arrays that only panels read are made.
    """
    parts: dict[str, list[NDArray[np.floating]]] = {}
    arrays: Arrays = {}
    reading, first = tokens.reading("mlp", layer), _first(checkpoint)
    of_experts = _of_experts(checkpoint, layer, sketch, tokens)
    sizes: list[NDArray[np.float64]] = []
    for bundle, specs in _present(checkpoint, layer, sketch, tokens):
        if not bundle.strongest:
            continue
        match = {spec.role: spec.name for spec in specs if spec.component == "match"}
        whole = next((spec.name for spec in specs if panels and spec.component == "circuit"), None)
        for expert in _experts(bundle):
            read = images(scan.rows_of(bundle.prefix + first, layer, expert), reading)
            if bundle.name == "experts" and of_experts:
                sizes.append(np.square(read).mean(0))
            strongest = _strongest(centred(read), bundle.strongest)
            _keep(parts, match[first], centred(read)[strongest])
            if first == "gate":
                order = np.argsort(strongest)
                rows = checkpoint.read(bundle.prefix + "up", layer, expert, rows=strongest[order])
                _keep(parts, match["up"], centred(rows.astype(np.float64) @ reading)[np.argsort(order)])
                read = images(scan.rows_of(bundle.prefix + "up", layer, expert), reading) if whole else read
            down = scan.rows_of(bundle.prefix + "down", layer, expert)
            if whole:
                readers = np.hstack([tokens.writing, tokens.embedding.T])
                seen = images_of_columns(down, bundle.hidden, readers)
            else:
                seen = images_of_columns((rows[:, strongest] for rows in down), len(strongest), tokens.writing)
            written, embedded = seen[:, : tokens.writing.shape[1]], seen[:, tokens.writing.shape[1] :]
            _keep(parts, match["down"], centred(written[strongest] if whole else written))
            if whole:
                arrays[whole] = circuit(read, embedded)
    if of_experts:
        arrays[of_experts] = unit_rows(centred(less_common(np.sqrt(sizes) / tokens.sizes)))
    return arrays | {name: np.stack(copies) for name, copies in parts.items()}


def _present(
    checkpoint: Checkpoint, layer: int, sketch: SketchSpec, tokens: Tokens
) -> Iterator[tuple[Bundle, list[ArraySpec]]]:
    """The bundles of a layer, with the specifications of their arrays."""
    shape, anchors = checkpoint.architecture, len(tokens.embedding)
    for bundle in bundles(shape, sketch):
        if checkpoint.has(bundle.prefix + "down", layer, 0 if bundle.name == "experts" else None):
            yield bundle, list(bundle_specs(shape, sketch, anchors, layer, bundle))


def _of_experts(checkpoint: Checkpoint, layer: int, sketch: SketchSpec, tokens: Tokens) -> str | None:
    """Name of the array of whole experts of a layer, if it has one."""
    specs = router_specs(checkpoint.architecture, sketch, len(tokens.embedding), layer)
    return next((spec.name for spec in specs if spec.part == "experts" and checkpoint.has("router", layer)), None)


def _experts(bundle: Bundle) -> list[int | None]:
    """Expert numbers of the copies in the checkpoint."""
    return list(range(bundle.copies)) if bundle.name == "experts" else [None]


def _keep(
    parts: dict[str, list[NDArray[np.floating]]], name: str, rows: NDArray[np.float64], copies: int = 1
) -> None:
    parts.setdefault(name, []).extend(np.split(unit_rows(rows), copies))


def _first(checkpoint: Checkpoint) -> str:
    return mlp_roles(checkpoint.architecture)[0]


def _strongest(responses: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Indices of the units of largest response, in descending order; non-finite ones last."""
    size = np.square(responses).sum(1)
    return np.argsort(-np.where(np.isfinite(size), size, -1.0), kind="stable")[:count]
