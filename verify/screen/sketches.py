"""First-stage sketches: a fixed part of each fingerprint, small enough for whole tiles to fit in memory.

The part is fixed in advance and independent of the weights: the units and channels with the smallest keys
(``chosen_indices`` are nested), the first heads, the first copies of an MLP and the first layers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

from ..base import FingerprintError, json_object, write_atomically
from ..fingerprint import SAMPLED, Component, Fingerprint, FingerprintRecord, components, reduced, table
from ..fingerprint.file import LARGEST_FILE
from ..fingerprint.layout import Arrays
from ..fingerprint.record import arrays_sha256
from ..statistics import EXACT_TESTS

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
NEEDED: tuple[Component, ...] = tuple(one for one in SAMPLED if one not in ("gram", "scales"))
"""Components of a fingerprint that the exact tests read at screen effort, as far as its sketch has them."""

_HEADER, _DIGEST = "verify.screen", "sha256"


def constants() -> list[int]:
    """The sizes of the part that is kept."""
    return [UNITS, CHANNELS, HEADS, COPIES, LAYERS]


@dataclass(frozen=True, eq=False)
class FirstSketch:
    """The first-stage sketch of one model."""

    record: FingerprintRecord
    """Record of the whole model, at screen effort whatever its own, so that all models compare."""
    whole: bool
    """Whether its digest is of all weights."""
    part: Fingerprint
    """The part kept, as a fingerprint of a smaller model."""

    @cached_property
    def bare(self) -> Fingerprint:
        """A fingerprint without arrays, which decides the tests that apply."""
        return Fingerprint(self.record, {})

    @cached_property
    def signature(self) -> str:
        """Text that is equal for models that can be stacked: same shapes, indices and applicable tests."""
        record, alone = self.record, self.bare
        applied = {test.id: test.refusal(alone, alone) is None for test in EXACT_TESTS}
        counted = {
            test.id: [one.left_out is None for one in test.describe(alone, alone).counts]
            for test in EXACT_TESTS
            if applied[test.id] or test.counts is not None
        }
        content = {
            "shape": record.architecture.model_dump(exclude={"family", "model_type", "vocab"}),
            "applied": applied,
            "counted": counted,
            "anchors": list(record.anchors),
            "unused": list(record.unused),
            "rows": record.architecture.vocab if record.pairing == "rows" else None,
            "sketch": record.sketch.model_dump(),
            "arrays": {name: list(array.shape) for name, array in sorted(self.part.arrays.items())},
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def likeness(self) -> str:
        """Digest of everything that exact copies share whatever was read: architecture, file sizes, and rows.

        Rows on tokens are excluded, since a copy may have another tokenizer.
        """
        whole = hashlib.sha256(self.record.architecture.model_dump_json().encode())
        whole.update(repr(sorted(file.size for file in self.record.files)).encode())
        specs = table(self.part.record)
        for name, array in sorted(self.part.arrays.items()):
            if "anchors" not in {axis.name for axis in specs[name].axes}:
                whole.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()


def first_sketch(model: Fingerprint) -> FirstSketch:
    """Cut a fingerprint down to its first-stage sketch; absent arrays are skipped.

    Raises
    ------
    FingerprintError
        If it was cut down before, for a panel, and lacks what the exact tests need.
    """
    given = components(model.record.sketch, model.record.effort)
    missing = sorted(set(NEEDED).intersection(given).difference(model.record.components))
    if missing:
        raise FingerprintError(
            f"The fingerprint of {model.record.name!r:.120} was cut down for a panel and lacks {', '.join(missing)}; "
            "make it again from the weights."
        )
    whole, model = model.record.effort == "full", model.at("screen")
    return FirstSketch(model.record, whole, _part(model.only(*NEEDED)))


def _part(model: Fingerprint) -> Fingerprint:
    return reduced(
        model,
        layers=LAYERS,
        kv_heads=HEADS,
        experts=COPIES,
        units=UNITS,
        expert_units=UNITS,
        channels=CHANNELS,
    )


def save_sketch(sketch: FirstSketch, path: Path) -> None:
    """Write one safetensors file, whole or not at all, with a digest of what it holds, so that damage is noticed."""
    header = {"record": sketch.record.model_dump(mode="json"), "whole": sketch.whole}
    content = {name: np.ascontiguousarray(array) for name, array in sketch.part.arrays.items()}
    text = json.dumps(header, sort_keys=True)
    write_atomically(path, save(content, metadata={_HEADER: text, _DIGEST: _digest(text, content)}))


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
            metadata = file.metadata()
        arrays = load_file(path)
        if metadata[_DIGEST] != _digest(metadata[_HEADER], arrays):
            raise ValueError("its digest is not that of its content")
        header = json_object(metadata[_HEADER].encode(), most=LARGEST_FILE)
        record = FingerprintRecord.model_validate(header["record"])
        part = _part(Fingerprint(record, {}).only(*NEEDED))
        return FirstSketch(record, header["whole"] is True, part.with_arrays(arrays))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise FingerprintError(
            f"The kept sketch {path.name!r:.120} is damaged ({str(error)!r:.80}); delete it and run again."
        ) from error


def _digest(header: str, arrays: Arrays) -> str:
    return hashlib.sha256(f"{header} {arrays_sha256(arrays)}".encode()).hexdigest()
