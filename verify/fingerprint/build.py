"""Checkpoint to fingerprint: chosen rows of each layer, and at full effort one pass over every entry."""

from __future__ import annotations

import hashlib
import logging
import os
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from ..base import Cache, InputError, Progress, Workers, run_in_order, silent, software
from ..checkpoint import Checkpoint, Key, Location, open_checkpoint, resolve_location
from .anchors import anchors_of
from .attention import attention_circuits, sampled_values
from .check import MOST_STRANGE, SPREAD_ROLES
from .moments import Moments
from .record import (
    COMPONENTS,
    SAMPLED,
    DeadCount,
    Fingerprint,
    FingerprintRecord,
    PartRecord,
    StrangeTensor,
    is_fingerprint,
)
from .responses import Tokens
from .scan import Scan
from .sketch import EFFORTS, Effort, SketchSpec, chosen_indices, unit_rows
from .store import Store
from .units import Arrays, sampled_units, strongest_units

LEAST_TELLING = 256
"""Numbers from which on equal bytes of a tensor say anything."""

_INTEGERS = re.compile(r"[IU][0-9]|BOOL")

_log = logging.getLogger(__name__)

_opened: dict[str, Checkpoint] = {}
"""Checkpoints open in this process, by run."""


@dataclass(frozen=True)
class _Part:
    """What was read of one layer, or of what lies outside layers."""

    arrays: Arrays
    moments: dict[tuple[str, int | None], Moments]
    digests: dict[str, bytes]
    non_finite: dict[str, int]
    """Of chosen rows."""
    notes: set[str]
    bytes_of: dict[Key | str, int]
    """Distinct bytes read, by tensor."""
    varied: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _Task:
    """One layer to read, by whoever can open the checkpoint."""

    run: str
    """Name of the run: whoever has opened the checkpoint for it need not open it again."""
    location: Location
    layer: int
    sketch: SketchSpec
    effort: Effort
    embedding: NDArray[np.float64]
    writing: NDArray[np.float64]


def fingerprint(
    model: str | os.PathLike[str] | Location,
    *,
    effort: Effort | None = None,
    sketch: SketchSpec | None = None,
    workers: Workers = None,
    cache: Cache | None = None,
    progress: Progress = silent,
) -> Fingerprint:
    """Fingerprint a checkpoint, or load a fingerprint file.

    Parameters
    ----------
    model : path or address of a folder or file of weights, or path of a saved fingerprint.
    effort : how much is read. ``"full"``: every tensor once; adds what the panel tests need, spread, and a digest of
        all weights. ``"standard"``: what the exact tests need, a few percent of the bytes; same numbers.
        ``"screen"``: the exact tests on fewer units, and without ``down`` and ``o``. The default is full for files of
        this machine, standard for others.
    sketch : sizes of the sketch; the default is the one everybody else uses.
    workers : processes that read layers, or an executor to hand the layers to; the result is the same.
    cache : where fingerprints are kept between runs. By default those of models at a commit of the Hub are, where
        ``verify cache`` says; those of files that may change under one name are not.
    progress : called after each layer.

    Returns
    -------
    Fingerprint

    Raises
    ------
    CheckpointError
        If the checkpoint is missing, damaged, hostile or not understood.
    FingerprintError
        If a fingerprint file is damaged.
    InputError
        If the effort or the version of the sketch is not one that exists.
    """
    sketch = sketch or SketchSpec()
    if sketch.version != SketchSpec().version:
        raise InputError(
            f"Sketch version {sketch.version} was asked for; this version of verify makes {SketchSpec().version}."
        )
    if effort is not None and effort not in EFFORTS:
        raise InputError(f"effort is {effort!r}; give one of {', '.join(EFFORTS)}.")
    location = Location.of(model)
    if is_fingerprint(Path(location.address)):
        for what in ("base", "layout", "revision", "tokenizer"):
            if getattr(location, what) is not None:
                name = Path(location.address).name
                raise InputError(f"{name!r:.120} is a fingerprint, and a {what} is given; leave the {what} out.")
        return Fingerprint.load(location.address)
    where = resolve_location(location)
    effort = effort or ("full" if where.local else "standard")
    sketch = sketch.at(effort)
    if cache is None and where.committed:
        cache = Cache.default()
    store = None if cache is None else Store(cache, where, sketch, effort)
    if store is not None and (kept := store.get()) is not None:
        return kept
    checkpoint = open_checkpoint(where.location)
    made = _read(checkpoint, where.location, sketch, effort, workers, progress)
    if store is not None and store.put(made):
        checkpoint.evict()
    return made


def _read(
    checkpoint: Checkpoint,
    location: Location,
    sketch: SketchSpec,
    effort: Effort,
    workers: Workers,
    progress: Progress,
) -> Fingerprint:
    """The main part with its further parts, or the one part that the location names."""
    readings = [_read_part(checkpoint, location, sketch, effort, workers, progress)]
    if location.part is None:
        for part in checkpoint.further():
            where = replace(location, part=part.part.name)
            readings.append(_read_part(part, where, sketch, effort, workers, progress))
    main, *further = readings
    owned = {name for one in readings for name in one.checkpoint.unrecognised}
    unknown = checkpoint.again()
    scan = Scan(unknown)
    if effort == "full" and location.part is None:
        scan.skim_unknown(name for names in checkpoint.strange.values() for name in names if name not in owned)
    content = main.digests | scan.digests
    content |= {f"part {n}": bytes.fromhex(value) for n, value in enumerate(sorted(one.sha256 for one in further))}
    whole = {"content_sha256": _digest(content, effort), "files": checkpoint.files(read=effort == "full")}
    first, *others = (FingerprintRecord(**one.fields, **whole) for one in readings)
    digests = {name: value for one in readings for name, value in one.digests.items()} | scan.digests
    own = {one.checkpoint.part.name: one.sha256 for one in readings} if effort == "full" else {}
    strange = _strange(checkpoint, digests, set.union(scan.varied, *(one.varied for one in readings)))
    telling: Counter[str] = Counter()
    for tensor in strange:
        telling[tensor.part] += tensor.numbers * tensor.telling
    largest = sorted(strange, key=lambda tensor: (-tensor.numbers, tensor.name))[:MOST_STRANGE]
    first = first.model_copy(
        update={
            "parts": tuple(
                PartRecord(
                    sha256=own.get(part.name) if part.family else _of_group(checkpoint, part.name, digests),
                    telling=telling[part.name],
                    **dict(part),
                )
                for part in checkpoint.parts
            ),
            "rest": tuple(sorted(largest, key=lambda tensor: tensor.name)),
            "bytes_read": unknown.bytes_read + sum(one.fields["bytes_read"] for one in readings),
        }
    )
    _log.info("%s: %s effort, %d bytes read", first.name, effort, first.bytes_read)
    parts = [
        Fingerprint(record, one.arrays, read_from="weights") for record, one in zip(others, further, strict=True)
    ]
    return Fingerprint(first, main.arrays, parts, read_from="weights").sealed()


@dataclass(frozen=True)
class _Reading:
    """What was read of one part of a model."""

    checkpoint: Checkpoint
    fields: dict[str, Any]
    """Of its record, but for what only all parts together tell."""
    arrays: Arrays
    digests: dict[str, bytes]
    sha256: str
    varied: set[str]


def _read_part(
    checkpoint: Checkpoint,
    location: Location,
    sketch: SketchSpec,
    effort: Effort,
    workers: Workers,
    progress: Progress,
) -> _Reading:
    architecture = checkpoint.architecture
    what, total = f"reading {checkpoint.name}", architecture.layers + 2
    if location.part is not None:
        what += f", {checkpoint.part.name}"
    tokenizer = checkpoint.vocabulary()
    pairing, known = anchors_of(tokenizer, architecture.vocab, sketch.anchors)
    outside, embedding, writing = _outside_layers(checkpoint.again(), sketch, effort, [token for _, token in known])
    progress(what, 1, total)
    run = uuid4().hex
    _opened[run] = checkpoint
    tasks = [_Task(run, location, layer, sketch, effort, embedding, writing) for layer in range(architecture.layers)]
    parts = [outside]
    try:
        for part in run_in_order(_layer, tasks, workers):
            parts.append(part)
            progress(what, len(parts), total)
    finally:
        _opened.pop(run, None)
    arrays = {name: array for part in parts for name, array in part.arrays.items()}
    moments = {key: value for part in parts for key, value in part.moments.items()}
    digests = {name: value for part in parts for name, value in part.digests.items()}
    fields: dict[str, Any] = {
        "name": checkpoint.name,
        "origin": checkpoint.origin,
        "revision": checkpoint.revision,
        "merged_onto": checkpoint.merged_onto,
        "declared_bases": checkpoint.declared_bases,
        "architecture": architecture,
        "not_read": checkpoint.not_read,
        "effort": effort,
        "sketch": sketch,
        "components": COMPONENTS if effort == "full" else SAMPLED,
        "anchors": tuple(number for number, _ in known),
        "pairing": pairing,
        "tokenizer": None if tokenizer is None else tokenizer.file,
        "dead": _dead(arrays),
        "non_finite": _non_finite(parts, moments, effort),
        "outside": checkpoint.outside,
        "unrecognised": checkpoint.unrecognised,
        "unrecognised_inside": checkpoint.unrecognised_inside,
        "notes": tuple(sorted(set.union(*(part.notes for part in parts)))),
        "part": checkpoint.part.name,
        "bytes_read": _bytes_read(parts),
        "software": software("safetensors"),
    }
    progress(what, total, total)
    start = f"rest {checkpoint.starts[checkpoint.part.name]}"
    relative = {
        f"rest {name.removeprefix(start)}" if name.startswith(start) else name: value
        for name, value in digests.items()
    }
    return _Reading(
        checkpoint,
        fields,
        arrays | _spread(moments, architecture.layers),
        digests,
        _digest(relative, effort),
        outside.varied,
    )


def _of_group(checkpoint: Checkpoint, group: str, digests: dict[str, bytes]) -> str | None:
    """The digest of a group of tensors that nothing understands, as stored; None where they were not read."""
    whole, start = hashlib.sha256(), checkpoint.starts[group]
    for name in checkpoint.strange.get(group, ()):
        if (found := digests.get(f"rest {name}")) is None:
            return None
        whole.update(hashlib.sha256(name.removeprefix(start).encode()).digest() + found)
    return whole.hexdigest()


def _strange(checkpoint: Checkpoint, digests: dict[str, bytes], varied: set[str]) -> list[StrangeTensor]:
    """The tensors that nothing understands."""
    found = []
    for part, names in checkpoint.strange.items():
        for name in names:
            (dtype, shape), digest = checkpoint.stored_as(name), digests.get(f"rest {name}")
            matrix = sum(size > 1 for size in shape) > 1 and prod(shape) >= LEAST_TELLING
            telling = name in varied and matrix and not _INTEGERS.match(dtype)
            sha256 = None if digest is None else digest.hex()
            found.append(
                StrangeTensor(name=name, part=part, dtype=dtype, shape=shape, sha256=sha256, telling=telling)
            )
    return found


@np.errstate(over="ignore", invalid="ignore")  # what is not finite is counted, and becomes zero rows
def _outside_layers(
    checkpoint: Checkpoint, sketch: SketchSpec, effort: Effort, ids: list[int]
) -> tuple[_Part, NDArray[np.float64], NDArray[np.float64]]:
    """Arrays ``stream.*`` and ``gram.embed``; and the anchors as the model reads and writes them."""
    scan, shape = Scan(checkpoint), checkpoint.architecture
    kept = chosen_indices("stream", shape.width, sketch.stream)
    order = np.argsort(ids, kind="stable").astype(np.intp)
    rows: dict[str, NDArray[np.float64]] = {}
    for role in ("embed", "unembed"):
        if checkpoint.has(role):
            rows[role] = scan.rows(role, None, np.asarray(ids, dtype=np.intp)[order])[np.argsort(order)]
    if checkpoint.has("embed_map"):
        rows["embed"] = rows["embed"] @ scan.whole("embed_map", None).astype(np.float64).T
    arrays: Arrays = {f"stream.{role}": unit_rows(x[:, kept].T) for role, x in rows.items()}
    finite = {role: np.where(np.isfinite(x), x, 0.0) for role, x in rows.items()}
    embedding = finite.get("embed", np.zeros((0, shape.width)))
    if shape.norm == "layer":  # layer norm removes the mean over the stream
        embedding = embedding - embedding.mean(1, keepdims=True)
    gram = embedding @ embedding.T
    arrays["gram.embed"] = (gram / (np.trace(gram) or 1.0)).astype(np.float32)
    last = scan.gain(("norm_final", None) if checkpoint.has("norm_final") else None)
    writing = np.ascontiguousarray((finite.get("unembed", embedding) * last).T)
    if effort == "full":
        scan.skim_rest(None)
        scan.skim_unknown((*checkpoint.outside, *checkpoint.unrecognised))
    read = checkpoint.notes, checkpoint.bytes_of
    part = _Part(arrays, dict(scan.moments), scan.digests, scan.non_finite, *read, scan.varied)
    return part, embedding, writing


@np.errstate(over="ignore", invalid="ignore")
def _layer(task: _Task) -> _Part:
    """All that is read of one layer."""
    if task.run not in _opened:
        _opened.clear()  # of runs that are over
        _opened[task.run] = open_checkpoint(task.location)
    checkpoint = _opened[task.run].again()
    scan, layer = Scan(checkpoint), task.layer

    def gain(sublayer: str, layer: int) -> NDArray[np.float64]:
        return scan.gain(checkpoint.norm_before(sublayer, layer))

    tokens = Tokens(task.embedding, task.writing, gain)
    arrays = sampled_values(scan, checkpoint, layer, task.sketch, task.effort, tokens)
    arrays |= sampled_units(scan, checkpoint, layer, task.sketch, task.effort, tokens)
    if task.effort == "full":
        arrays |= attention_circuits(scan, checkpoint, layer, task.sketch, tokens)
        arrays |= strongest_units(scan, checkpoint, layer, task.sketch, tokens)
        scan.skim_rest(layer)
    return _Part(arrays, dict(scan.moments), scan.digests, scan.non_finite, checkpoint.notes, checkpoint.bytes_of)


def _digest(digests: dict[str, bytes], effort: Effort) -> str:
    """Of every learned tensor at full effort, else of the rows read; in the order of their names."""
    whole = hashlib.sha256()
    for name in sorted(digests):
        if effort != "full" or not name.startswith("rows "):
            whole.update(hashlib.sha256(name.encode()).digest() + digests[name])
    return whole.hexdigest()


def _non_finite(parts: list[_Part], moments: dict[tuple[str, int | None], Moments], effort: Effort) -> int:
    """Among all entries at full effort, else among those read; a norm that two layers read counts once."""
    if effort == "full":
        return sum(found.non_finite for found in moments.values())
    return sum({name: count for part in parts for name, count in part.non_finite.items()}.values())


def _bytes_read(parts: list[_Part]) -> int:
    """Distinct bytes: of a tensor that several layers read (a norm, all of it), the most that one of them did."""
    most: dict[Key | str, int] = {}
    for part in parts:
        for name, size in part.bytes_of.items():
            most[name] = max(size, most.get(name, 0))
    return sum(most.values())


def _dead(arrays: Arrays) -> tuple[DeadCount, ...]:
    """Rows of unit and value sketches without direction: zero, or not finite."""
    rows: dict[tuple[str, int], int] = {}
    for name, array in arrays.items():
        component, layer = name.split(".")[:2]
        if component in ("units", "values"):
            key = component, int(layer)
            rows[key] = rows.get(key, 0) + int((~array.any(-1)).sum())
    return tuple(
        DeadCount(component=component, layer=layer, rows=count) for (component, layer), count in rows.items() if count
    )


def _spread(moments: dict[tuple[str, int | None], Moments], layers: int) -> Arrays:
    """Moments of each role, shape [layers, 4]; NaN where a layer lacks it, absent where all do."""
    nothing = Moments()
    return {
        f"spread.{role}": np.array([moments.get((role, i), nothing).summary() for i in range(layers)])
        for role in SPREAD_ROLES
        if any((role, i) in moments for i in range(layers))
    }
