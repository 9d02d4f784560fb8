"""Smallest models with the architectures of two records, to find out which arrays exist at an effort.

Each has one layer, one copy of an MLP and one head, two indices of everything (three for the larger of two sizes),
and unit vectors as rows. A statistic that finds nothing to compare in them finds nothing in any two models of these
records.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Architecture
from ..fingerprint import Component, Effort, Fingerprint, FingerprintRecord, SketchSpec, table
from .blocks import BlockReader

_SIZES = ("width", "hidden", "expert_hidden", "shared_hidden", "head_size", "state_size")
_ONE = ("layers", "heads", "kv_heads", "experts", "expert_group", "state_heads")
_SKETCH = SketchSpec(units=3, expert_units=3, channels=3, projections=3, rows=3, stream=3)


def smallest(a: FingerprintRecord, b: FingerprintRecord) -> tuple[Fingerprint, Fingerprint]:
    """The smallest fingerprints with the same architectures, except sizes, and the same efforts."""
    return _smallest(a, b.architecture), _smallest(b, a.architecture)


def holds(read: BlockReader, record: FingerprintRecord) -> bool:
    """Whether a reader finds blocks in a model with a record."""
    return _holds(read, record.architecture, record.effort, record.components)


@lru_cache(maxsize=4096)
def _holds(read: BlockReader, shape: Architecture, effort: Effort, components: tuple[Component, ...]) -> bool:
    record = FingerprintRecord.model_construct(
        name="",
        architecture=shape,
        files=(),
        effort=effort,
        content_sha256="",
        sketch=_SKETCH,
        components=components,
        anchors=(0, 1, 2),
        unused=("byte C0", "byte C1"),
        bytes_read=0,
        software={},
    )
    return bool(read(_smallest(record, shape)))


def _smallest(record: FingerprintRecord, other: Architecture) -> Fingerprint:
    shape = record.architecture
    sizes = {name: _size(getattr(shape, name), getattr(other, name)) for name in _SIZES}
    if shape.rotary_size and not shape.latent:  # two channels form a plane
        sizes["head_size"] *= 2
        sizes["rotary_size"] = sizes["head_size"] if shape.rotary_size == shape.head_size else 2
        sizes["key_size"] = 6 * (shape.key_size > 0)
    ones = {name: min(1, max(0, getattr(shape, name))) for name in _ONE}
    whole = {"no_attention": (), "no_mlp": ()}
    smaller = {"architecture": shape.model_copy(update=sizes | ones | whole), "sketch": _SKETCH}
    record = record.model_copy(update=smaller | {"arrays_sha256": "", "parts": (), "part": ""})
    shapes = {name: spec.shape for name, spec in table(record).items()}
    return Fingerprint(record, {name: _unit_rows(shape) for name, shape in shapes.items() if 0 not in shape})


def _size(mine: int, other: int) -> int:
    return 0 if mine <= 0 else 3 if mine > other else 2


def _unit_rows(shape: tuple[int, ...]) -> NDArray[np.floating]:
    rows: NDArray[np.floating] = np.ones(1, np.float32) if len(shape) == 1 else np.eye(*shape[-2:], dtype=np.float16)
    return np.broadcast_to(rows, shape)
