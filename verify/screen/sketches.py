"""What the first stage knows of a model: a fixed part of its fingerprint, so that whole tiles fit in memory.

A part is fixed in advance and blind to the weights: the units and channels with the smallest keys
(``chosen_indices`` are nested), the first heads, the first copies of an MLP, the first layers, and every residual
dimension whose order is compared only by sign.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from ..base import FingerprintError, write_atomically
from ..fingerprint import Fingerprint, FingerprintRecord, chosen_indices
from ..statistics.applicability import both_mlps, linear_values, no_fixed_vectors, odd_in_up

UNITS = 16
"""Hidden units per MLP."""
CHANNELS = 4
"""Value channels per head."""
HEADS = 8
"""Key-value heads per layer."""
COPIES = 2
"""Experts per MLP."""
LAYERS = 64
"""Layers."""
DIMENSIONS = 32
"""Residual dimensions whose order is compared; signs are compared of all."""
NEEDED = ("units", "values", "response", "stream")
"""Components of a fingerprint that the exact tests look at."""

BUNDLES = ("mlp", "experts", "shared")
"""Kinds of MLPs."""

_HEADER = "verify.screen"


@dataclass(frozen=True)
class FirstSketch:
    """The first stage's part of one model.

    Arrays, float16: ``{kind}.{role}`` of shape [groups, copies, n, k], kind one of ``mlp``, ``experts``,
    ``shared``, ``values`` and role one of ``gate``, ``up``, ``down``, ``v``, ``o``, ``response``; and
    ``stream.embed``, ``stream.unembed`` of shape [dimensions, anchors]. Groups are those of ``groups[kind]``,
    as (layer, head), in which only models that have the same are compared.
    """

    record: FingerprintRecord
    """At screen effort, whatever it was made at, so that all compare."""
    whole: bool
    """Whether its digest is of all weights."""
    arrays: dict[str, NDArray[np.float16]]
    groups: dict[str, list[tuple[int, int]]]

    @cached_property
    def signature(self) -> str:
        """Models of one signature are stacked: same shapes, same indices, same tests that apply."""
        return _signature(self)

    @cached_property
    def likeness(self) -> str:
        """Digest of what exact copies share whatever was read of each: one architecture, sizes of files, and rows.

        Rows of tokens are left out, as another tokenizer may lie beside a copy.
        """
        whole = hashlib.sha256(self.record.architecture.model_dump_json().encode())
        whole.update(repr(sorted(file.size for file in self.record.files)).encode())
        for name in sorted(self.arrays):
            if not name.endswith(".response") and not name.startswith("stream."):
                whole.update(name.encode() + np.ascontiguousarray(self.arrays[name]).tobytes())
        return whole.hexdigest()

    def indices(self, kind: str) -> NDArray[np.intp]:
        """Which of the model's indices the n of a kind are, ascending."""
        shape = self.record.architecture
        if kind == "values":
            return chosen_indices("channels", shape.head_size, self._n(kind))
        sizes = {"mlp": shape.hidden, "experts": shape.expert_hidden, "shared": shape.shared_hidden}
        return chosen_indices("units", sizes[kind], self._n(kind))

    def _n(self, kind: str) -> int:
        return next(int(array.shape[2]) for name, array in self.arrays.items() if name.startswith(f"{kind}."))


def first_sketch(model: Fingerprint) -> FirstSketch:
    """Cut a fingerprint down; arrays that it lacks are left out.

    Raises
    ------
    FingerprintError
        If it was cut down before, for a panel, and lacks what the exact tests need.
    """
    missing = sorted(set(NEEDED).difference(model.record.components))
    if missing:
        raise FingerprintError(
            f"The fingerprint of {model.record.name!r:.120} was cut down for a panel and lacks {', '.join(missing)}; "
            "make it again from the weights."
        )
    whole, model = model.record.effort == "full", model.at("screen")
    arrays: dict[str, NDArray[np.float16]] = {}
    groups: dict[str, list[tuple[int, int]]] = {}
    shape, sketch = model.record.architecture, model.record.sketch
    layers = range(min(shape.layers, LAYERS))
    sizes = {"mlp": shape.hidden, "experts": shape.expert_hidden, "shared": shape.shared_hidden}
    for bundle in BUNDLES:
        full = sketch.expert_units if bundle == "experts" else sketch.units
        where = _nested("units", sizes[bundle], full, UNITS)
        names = {role: f"units.{{}}.{bundle}.{role}" for role in ("gate", "up", "down")}
        names["response"] = f"response.{{}}.{bundle}"
        present = [layer for layer in layers if names["response"].format(layer) in model.arrays]
        for role, name in names.items():
            if present and all(name.format(layer) in model.arrays for layer in present):
                parts = [model.arrays[name.format(layer)][:COPIES, where] for layer in present]
                arrays[f"{bundle}.{role}"] = np.stack(parts)
        groups[bundle] = [(layer, 0) for layer in present]
    where = _nested("channels", shape.head_size, sketch.channels, CHANNELS)
    names = {"v": "values.{}.v", "o": "values.{}.o", "response": "response.{}.values"}
    present = [layer for layer in layers if names["response"].format(layer) in model.arrays]
    for role, name in names.items():
        if present and all(name.format(layer) in model.arrays for layer in present):
            parts = [model.arrays[name.format(layer)][:HEADS, where] for layer in present]
            arrays[f"values.{role}"] = np.concatenate(parts)[:, None]
    groups["values"] = [(layer, head) for layer in present for head in range(min(shape.kv_heads, HEADS))]
    for role in ("embed", "unembed"):
        if f"stream.{role}" in model.arrays:
            arrays[f"stream.{role}"] = model.arrays[f"stream.{role}"]
    return FirstSketch(model.record, whole, {k: v.astype(np.float16) for k, v in arrays.items()}, groups)


def stream_dimensions(record: FingerprintRecord) -> NDArray[np.intp]:
    """Positions, among the residual dimensions kept, of those whose order is compared."""
    return _nested("stream", record.architecture.width, record.sketch.stream, DIMENSIONS)


def save_sketch(sketch: FirstSketch, path: Path) -> None:
    """Write one safetensors file, whole or not at all."""
    header = {"record": sketch.record.model_dump(mode="json"), "whole": sketch.whole, "groups": sketch.groups}
    content = {name: np.ascontiguousarray(array) for name, array in sketch.arrays.items()}
    write_atomically(path, save(content, metadata={_HEADER: json.dumps(header, sort_keys=True)}))


def load_sketch(path: Path) -> FirstSketch:
    """Read what :func:`save_sketch` wrote.

    Raises
    ------
    FingerprintError
        If it is damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as file:
            header = json.loads(file.metadata()[_HEADER])
        record = FingerprintRecord.model_validate(header["record"])
        groups = {kind: [(layer, head) for layer, head in rows] for kind, rows in header["groups"].items()}
        return FirstSketch(record, header["whole"] is True, load_file(path), groups)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise FingerprintError(
            f"The kept sketch {path.name!r:.120} is damaged ({str(error)!r:.80}); delete it and run again."
        ) from error


@lru_cache(maxsize=256)
def _nested(purpose: str, size: int, full: int, count: int) -> NDArray[np.intp]:
    """Positions of a smaller choice of indices inside a larger one."""
    return np.searchsorted(chosen_indices(purpose, size, full), chosen_indices(purpose, size, min(full, count)))


def _signature(sketch: FirstSketch) -> str:
    alone = Fingerprint(sketch.record, {})
    shape = sketch.record.architecture.model_dump(exclude={"family", "model_type", "vocab"})
    refusals = [f(alone, alone) is None for f in (both_mlps, linear_values, odd_in_up, no_fixed_vectors)]
    content = {
        "shape": shape,
        "refusals": refusals,
        "anchors": list(sketch.record.anchors),
        "rows": sketch.record.architecture.vocab if sketch.record.pairing == "rows" else None,
        "sketch": sketch.record.sketch.model_dump(),
        "arrays": {name: list(array.shape) for name, array in sketch.arrays.items()},
        "groups": {kind: [list(group) for group in rows] for kind, rows in sketch.groups.items()},
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
