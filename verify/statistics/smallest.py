"""The smallest models of two records' kinds: which arrays there are at an effort, told without any array.

Each has one layer, one copy of an MLP and one head, two indices of everything (three where it is the larger), and
unit vectors for rows. A statistic that finds nothing to compare in them finds nothing in any two models of these
records.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Architecture
from ..fingerprint import SAMPLED, Fingerprint, FingerprintRecord

_SIZES = ("width", "hidden", "expert_hidden", "shared_hidden", "head_size")
_ONE = ("layers", "heads", "kv_heads", "experts")
_KEPT = dict.fromkeys(("units", "expert_units", "channels", "projections", "rows", "stream"), 3)


def smallest(a: FingerprintRecord, b: FingerprintRecord) -> tuple[Fingerprint, Fingerprint]:
    """Fingerprints as small as can be, of the same architectures but for their sizes, and of the same efforts."""
    return _smallest(a, b.architecture), _smallest(b, a.architecture)


def _smallest(record: FingerprintRecord, other: Architecture) -> Fingerprint:
    shape = record.architecture
    sizes = {name: _size(getattr(shape, name), getattr(other, name)) for name in _SIZES}
    ones = {name: min(1, max(0, getattr(shape, name))) for name in _ONE}
    shape = shape.model_copy(update=sizes | ones)
    record = record.model_copy(
        update={
            "architecture": shape,
            "sketch": record.sketch.model_copy(update=_KEPT),
            "arrays_sha256": "",
            "parts": (),
            "part": "",
        }
    )
    return Fingerprint(record, _arrays(record))


def _size(mine: int, other: int) -> int:
    return 0 if mine <= 0 else 3 if mine > other else 2


def _arrays(record: FingerprintRecord) -> dict[str, NDArray[np.floating]]:
    """What the effort gives of one layer, as the table in ``fingerprint.record`` lists it."""
    shape, anchors = record.architecture, len(record.anchors)
    kept = {
        "mlp": shape.hidden,
        "experts": shape.expert_hidden if shape.experts else 0,
        "shared": shape.shared_hidden,
    }
    bundles = {bundle: n for bundle, n in kept.items() if n and shape.layers}
    roles = ("gate", "up", "down") if shape.gated else ("up", "down")
    channels = shape.head_size if shape.kv_heads and shape.layers else 0
    sizes: dict[str, tuple[int, ...]] = {}
    for (bundle, n), role in product(bundles.items(), roles):
        sizes[f"units.0.{bundle}.{role}"] = (1, n, 3)
        sizes[f"response.0.{bundle}"] = (1, n, anchors)
        sizes[f"match.0.{bundle}.{role}"] = (1, n, anchors)
    if channels:
        sizes |= {f"values.0.{role}": (1, channels, 3) for role in "vo"}
        sizes["response.0.values"] = (1, channels, anchors)
        sizes |= {f"spectrum.0.{circuit}": (3,) for circuit in ("qk", "vo")}
    if anchors and shape.vocab:
        tables = ("embed",) if shape.tied_embeddings else ("embed", "unembed")
        sizes |= {f"stream.{table}": (shape.width, anchors) for table in tables}
        sizes |= dict.fromkeys(("gram.embed", *(f"circuit.0.{c}" for c in ("qk", "vo", "ffn"))), (anchors, anchors))
    sizes |= {f"spread.{role}": (shape.layers, 4) for role in "qkvo"}
    held = {*record.components} & {*SAMPLED} if record.effort != "full" else {*record.components}
    return {
        name: _unit_rows(size)
        for name, size in sizes.items()
        if name.split(".")[0] in held and not (record.effort == "screen" and name.endswith((".down", ".o")))
    }


def _unit_rows(shape: tuple[int, ...]) -> NDArray[np.floating]:
    rows: NDArray[np.floating] = np.ones(1, np.float32) if len(shape) == 1 else np.eye(*shape[-2:], dtype=np.float16)
    return np.broadcast_to(rows, shape)
