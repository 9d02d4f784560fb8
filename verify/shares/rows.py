"""Projected rows of a model with their lengths, at chosen places: what a share is linear in.

A fingerprint scales every row to length 1, so shares are read from weights. Indices, channels, tokens and projections
are those of the sketch at standard effort.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ..base import Progress
from ..checkpoint import Architecture, Checkpoint
from ..fingerprint import (
    STATE,
    SketchSpec,
    bundles,
    chosen_indices,
    kept_channels,
    kept_dimensions,
    mlp_roles,
    projection,
)
from ..fingerprint.anchors import anchors_of
from ..fingerprint.layout import has_heads
from ..fingerprint.scan import Scan

Part = Literal["mlp", "attention", "embeddings"]
PARTS: tuple[Part, ...] = get_args(Part)
Array = NDArray[np.float64]

_SKETCH = SketchSpec()
_EXPERTS = 8
"""Routed experts read of each layer."""


class Place(NamedTuple):
    """A block of units: an MLP or one of its experts, a key-value head, or the dimensions of the stream."""

    part: Part
    layer: int
    """0 for embeddings."""
    slot: str


class Block(NamedTuple):
    """Rows of the units of a place."""

    indices: NDArray[np.intp]
    """Their numbers in the model, ascending."""
    roles: dict[str, Array]
    """By role of the matrix, float64 [n, d]; rows that are not finite are zeros."""

    def at(self, common: NDArray[np.intp]) -> Block:
        """The units of some of the numbers, all of which must be there."""
        where = np.searchsorted(self.indices, common)
        return Block(common, {role: rows[where] for role, rows in self.roles.items()})


@dataclass(frozen=True, eq=False)
class Rows:
    """What is read of one model; one is equal to itself alone."""

    architecture: Architecture
    blocks: dict[Place, Block]
    tokens: tuple[int, ...]
    """Numbers of the anchors that columns of embeddings are of."""
    sha256: str
    """Over everything read, as float32."""
    bytes_read: int
    non_finite: int
    """Entries read that are not finite, which count as zeros."""


@np.errstate(over="ignore", invalid="ignore")  # what is not finite counts as zero, and is counted
def read(checkpoint: Checkpoint, progress: Progress) -> Rows:
    """Read the rows of a model.

    Parameters
    ----------
    checkpoint : the model, of any place.
    progress : called after each layer.
    """
    shape, scan, found = checkpoint.architecture, Scan(checkpoint), dict[Place, Block]()
    for layer in range(shape.layers):
        found |= _mlps(checkpoint, scan, layer)
        found |= _values(checkpoint, scan, layer)
        progress(f"reading {checkpoint.name}", layer + 1, shape.layers)
    tokens, tables = _embeddings(checkpoint, scan)
    content = hashlib.sha256()
    for name in sorted(scan.digests):
        content.update(hashlib.sha256(name.encode()).digest() + scan.digests[name])
    return Rows(
        shape, found | tables, tokens, content.hexdigest(), checkpoint.bytes_read, sum(scan.non_finite.values())
    )


def _mlps(checkpoint: Checkpoint, scan: Scan, layer: int) -> dict[Place, Block]:
    shape, found = checkpoint.architecture, dict[Place, Block]()
    for bundle in bundles(shape, _SKETCH):
        if bundle.name == STATE:
            continue
        routed = bundle.name == "experts"
        for expert in map(int, chosen_indices("experts", bundle.copies, _EXPERTS)) if routed else (None,):
            if checkpoint.has(bundle.prefix + "down", layer, expert):
                roles = {}
                for role in mlp_roles(shape):
                    lines = _columns if role == "down" else _lines
                    roles[role] = lines(scan, shape.width, bundle.prefix + role, layer, bundle.indices, expert)
                slot = bundle.name if expert is None else f"expert {expert}"
                found[Place("mlp", layer, slot)] = Block(bundle.indices, roles)
    return found


def _values(checkpoint: Checkpoint, scan: Scan, layer: int) -> dict[Place, Block]:
    """Value channels of each key-value head: rows of v, and columns of o summed over the heads that read them.

    None where channels are told apart by what lies between v and o.
    """
    shape = checkpoint.architecture
    free = shape.linear_values and not shape.latent and has_heads(shape, layer)
    if not free or not checkpoint.has("v", layer) or not checkpoint.has("o", layer):
        return {}
    heads, size, sharing = shape.kv_heads, shape.head_size, shape.heads // shape.kv_heads
    channels = kept_channels(shape, _SKETCH).indices
    v, o = ((np.arange(count)[:, None] * size + channels).ravel() for count in (heads, heads * sharing))
    written = _lines(scan, shape.width, "v", layer, v).reshape(heads, len(channels), -1)
    read = _columns(scan, shape.width, "o", layer, o).reshape(heads, sharing, len(channels), -1).sum(1)
    return {
        Place("attention", layer, f"head {head}"): Block(channels, {"v": written[head], "o": read[head]})
        for head in range(heads)
    }


def _embeddings(checkpoint: Checkpoint, scan: Scan) -> tuple[tuple[int, ...], dict[Place, Block]]:
    """Dimensions of the stream, as columns of the tables of tokens at the anchors.

    None where positions are, or may be, a fixed function that tells the dimensions apart.
    """
    shape = checkpoint.architecture
    if shape.positions in ("sinusoidal", "unknown"):
        return (), {}
    pairing, known = anchors_of(checkpoint.vocabulary(), shape.vocab, _SKETCH.anchors)
    if pairing != "tokens" or not known or not checkpoint.has("embed") or checkpoint.has("embed_map"):
        return (), {}
    chosen, where = np.unique([row for _, row in known], return_inverse=True)
    dimensions = kept_dimensions(shape, _SKETCH).indices
    tables = {
        role: _finite(scan.rows(role, None, chosen)[where][:, dimensions].T)
        for role in ("embed", "unembed")
        if checkpoint.has(role)
    }
    return tuple(number for number, _ in known), {Place("embeddings", 0, "stream"): Block(dimensions, tables)}


def _lines(
    scan: Scan, width: int, role: str, layer: int, chosen: NDArray[np.intp], expert: int | None = None
) -> Array:
    """Projected rows of a matrix that reads the stream."""
    return _finite(scan.rows(role, layer, chosen, expert)) @ projection(width, _SKETCH.projections)


def _columns(
    scan: Scan, width: int, role: str, layer: int, chosen: NDArray[np.intp], expert: int | None = None
) -> Array:
    """Projected leading entries of columns of a matrix that writes to the stream."""
    return _finite(
        scan.leading_columns(role, layer, chosen, projection(width, _SKETCH.projections)[: _SKETCH.rows], expert)
    )


def _finite(rows: Array) -> Array:
    return np.where(np.isfinite(rows), rows, 0.0)
