"""What fingerprinting a model would read and cost, from its headers alone.

Layers of one kind are read alike, so one of each kind is read in a rehearsal on zeros, by the same code that reads
weights; see :mod:`verify.checkpoint.rehearsal`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from uuid import uuid4

import numpy as np

from ..base import Cache
from ..checkpoint import Architecture, Checkpoint, Key, Location, open_checkpoint, resolve_location
from ..checkpoint.formats.tensor import Indexer
from ..checkpoint.rehearsal import Rehearsal
from .anchors import Pairing
from .build import TokenRows, distinct_bytes
from .file import is_fingerprint
from .given import of_side
from .layers import Task, opened, read_layer, read_outside_layers
from .layout import specs
from .scan import spans
from .sketch import Effort, SketchSpec
from .store import Store

Asked = tuple[Key, Indexer]

_SECONDS: dict[Effort, float] = {"screen": 45e-9, "standard": 12.4e-9, "full": 14.9e-9}
"""Seconds of CPU for a byte read, tests included."""
_WITHOUT_PANELS = 3e-9
"""Likewise at full effort, if nothing is made that only panels read: the slope over depth of the 7B shape in
benchmarks/tables/cost.md."""
_BASE = 45_000_000  # bytes of memory of the process before a model is read
_PER_COLUMN: dict[Effort, int] = {"screen": 5_100, "standard": 11_700, "full": 11_700}
"""Bytes of memory for each residual dimension, measured on random models of widths 512 to 2048."""
_MATRICES = 7
"""Copies of the matrix of all query heads, as float32, that are held for spectra, which only panels read; measured
likewise."""


@dataclass(frozen=True, kw_only=True)
class ReadingPlan:
    """What one fingerprint would take; sizes in bytes."""

    name: str
    effort: Effort
    stored: int
    """Size of the files of weights."""
    read: int
    """Bytes of weights read, as the record will state them."""
    hashed: int = 0
    """Bytes of files read once more, whole, for their sha256."""
    requests: int | None = None
    """Requests to servers, besides those for headers; about as many at full effort; None for local files, and where
    the number depends on the weights."""
    fetched: int | None = None
    """Bytes transferred by these requests; less than is read where ranges are in the cache."""
    kept: str = ""
    """Why nothing is read: ``fingerprint`` for the file of one, ``cache`` for one that is kept."""
    before: int = 0
    """Bytes read first, without a tokenizer, before the model is read by that of another."""
    memory: int = _BASE
    """Memory that the process takes, roughly: within a factor of two of what was measured."""
    seconds: float = 0.0
    """Seconds of CPU of reading, and of testing one pair, roughly: within a factor of three of what was measured."""
    pairing: Pairing | None = None
    """How its tokens pair with those of another model; None if nothing is read."""
    vocab: int = 0
    """Rows of its table of tokens."""


def plans_of_pair(
    a: Location, b: Location, effort: Effort | None = None, *, panels: bool = True
) -> tuple[ReadingPlan, ReadingPlan]:
    """What a comparison would read of two models, one of which may be read again with the tokenizer of the other.

    Parameters
    ----------
    a, b : the models, or fingerprints.
    effort : how much to read.
    panels : whether what only panels read is made.
    """
    models, plans = (a, b), list[ReadingPlan]()
    for name, model in zip("AB", models, strict=True):
        with of_side(name):
            plans.append(reading_plan(model, effort, panels=panels))
    for side, other in ((0, 1), (1, 0)):
        mine, theirs = plans[side], plans[other]
        if (mine.pairing, theirs.pairing) == ("rows", "tokens") and mine.vocab == theirs.vocab:
            tokenizer = models[other].of_tokenizer or models[other]
            again = reading_plan(replace(models[side], tokenizer=tokenizer), effort, panels=panels)
            plans[side] = replace(again, before=mine.read)
    return plans[0], plans[1]


def reading_plan(
    model: Location, effort: Effort | None = None, *, cache: Cache | None = None, panels: bool = True
) -> ReadingPlan:
    """What :func:`verify.fingerprint` would read of a model.

    Parameters
    ----------
    model : the model, or a fingerprint.
    effort : how much to read; the default is full for local files, else standard.
    cache : as for :func:`verify.fingerprint`.
    panels : whether what only panels read is made, as it is of a fingerprint that is kept; else memory and seconds
        are those of a comparison without a panel.

    Raises
    ------
    CheckpointError
        If the model cannot be opened.
    """
    if is_fingerprint(Path(model.address)):
        size = Path(model.address).stat().st_size
        return ReadingPlan(
            name=Path(model.address).name, effort=effort or "full", stored=size, read=0, kept="fingerprint"
        )
    where = resolve_location(model)
    effort = effort or ("full" if where.local else "standard")
    sketch = SketchSpec().at(effort)
    checkpoint = open_checkpoint(where.location)
    stored = sum(file.size for file in checkpoint.files(read=False))
    cache = Cache.default() if cache is None and where.committed else cache
    if cache is not None and Store(cache, where, sketch, effort).get() is not None:
        return ReadingPlan(name=checkpoint.name, effort=effort, stored=stored, read=0, kept="cache")
    further = checkpoint.further() if where.location.part is None else ()
    parts = [_rehearsed(part, where.location, sketch, effort) for part in (checkpoint, *further)]
    strange = _strange(checkpoint, [part for part, _, _ in parts]) if effort == "full" else []
    main = parts[0][0]
    read = sum(read for _, read, _ in parts) + sum(map(main.nbytes_as_stored, strange))
    whole = effort == "full" and panels
    plan = ReadingPlan(
        name=checkpoint.name,
        effort=effort,
        stored=stored,
        read=read,
        hashed=main.bytes_without_digest() if effort == "full" else 0,
        memory=max(_memory(part.architecture, sketch, effort, whole=whole) for part, _, _ in parts),
        seconds=(_WITHOUT_PANELS if effort == "full" and not panels else _SECONDS[effort]) * read,
        pairing=TokenRows.of(main, sketch).pairing,
        vocab=checkpoint.architecture.vocab,
    )
    meters = main.fetch_nothing()
    if not meters or (effort == "full" and not all(part.stored_plainly for part, _, _ in parts)):
        return plan
    for part, _, asked in parts:
        for key, rows in asked:
            part.ask(key, rows)
    if effort == "full":
        for name in strange:
            for _ in main.raw_blocks(name):
                pass
        main.ask_all_of_files()
    return replace(plan, requests=sum(m.requests for m in meters), fetched=sum(m.transferred for m in meters))


def _rehearsed(
    checkpoint: Checkpoint, location: Location, sketch: SketchSpec, effort: Effort
) -> tuple[Rehearsal, int, list[Asked]]:
    """A part, how many bytes of it are read, and what is asked for, in order.

    At full effort all is read; the rows that are read before, in an order that depends on weights, are those of
    ``standard``.
    """
    rehearsal, tokens = Rehearsal(checkpoint), TokenRows.of(checkpoint, sketch)
    layers, least = range(checkpoint.architecture.layers), "standard" if effort == "full" else effort
    piece, embedding, writing = read_outside_layers(
        rehearsal, sketch, least, list(tokens.anchors.values()), tokens.unread, len(tokens.unused)
    )
    asked, bytes_of = list(rehearsal.asked), [piece.bytes_of]
    if effort == "full":
        asked += _all_of(rehearsal, None)
    of_kind: dict[tuple[object, ...], tuple[int, dict[Key | str, int], list[Asked]]] = {}
    run = uuid4().hex
    opened[run] = rehearsal
    try:
        for layer in layers:
            kind = rehearsal.kind_of_layer(layer)
            if kind not in of_kind:
                rehearsal.asked.clear()
                part = read_layer(Task(run, location, layer, sketch, least, embedding, writing))
                of_kind[kind] = layer, part.bytes_of, list(rehearsal.asked)
            first, sizes, rows = of_kind[kind]
            bytes_of.append({_moved(key, layer - first): size for key, size in sizes.items()})
            asked += [(_moved(key, layer - first), chosen) for key, chosen in rows]
            if effort == "full":
                asked += _all_of(rehearsal, layer)
    finally:
        opened.pop(run, None)
    if effort != "full":
        return rehearsal, distinct_bytes(bytes_of), asked
    keys = [key for layer in (None, *layers) for key in rehearsal.keys(layer)]
    names = (*checkpoint.outside, *checkpoint.unrecognised)
    whole = sum(map(rehearsal.nbytes, dict.fromkeys(keys))) + sum(map(rehearsal.nbytes_as_stored, names))
    return rehearsal, whole, asked


def _memory(shape: Architecture, sketch: SketchSpec, effort: Effort, *, whole: bool) -> int:
    """Memory that reading takes, roughly: of chosen rows, of whole attention matrices, and of the fingerprint."""
    arrays = sum(
        prod(spec.shape) * np.dtype(spec.dtype).itemsize for spec in specs(shape, sketch, sketch.anchors, effort)
    )
    matrices = 4 * _MATRICES * shape.heads * shape.head_size * shape.width if whole else 0
    return _BASE + _PER_COLUMN[effort] * shape.width + matrices + arrays


def _moved(key: Key | str, by: int) -> Key:
    """The key of the same tensor of another layer."""
    assert not isinstance(key, str)
    role, layer, expert = key
    return role, None if layer is None else layer + by, expert


def _all_of(rehearsal: Rehearsal, layer: int | None) -> Iterator[Asked]:
    """All rows of the tensors of a layer, as they are asked for."""
    for key in rehearsal.keys(layer):
        for rows in spans(rehearsal, key):
            yield key, rows


def _strange(checkpoint: Checkpoint, parts: list[Rehearsal]) -> list[str]:
    """Tensors that belong to no part that is understood."""
    owned = {name for part in parts for name in part.unrecognised}
    return [name for names in checkpoint.strange.values() for name in names if name not in owned]
