"""Make a fingerprint: chosen rows of each layer and, at full effort, one pass over every entry."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np

from ..base import (
    Cache,
    FingerprintError,
    InputError,
    Phrase,
    Progress,
    UnsupportedError,
    Workers,
    in_notebook,
    options,
    run_in_order,
    software,
)
from ..checkpoint import Architecture, Checkpoint, Key, Location, Part, open_checkpoint, resolve_location
from .anchors import Pairing, anchors_of
from .check import MOST_STRANGE, check_record
from .file import is_fingerprint
from .inventory import digest_of_group, strange_tensors
from .layers import Piece, Task, opened, read_layer, read_outside_layers
from .layout import OF_PANELS, components, spread_specs
from .moments import Moments, Tally
from .record import DeadCount, Fingerprint, FingerprintRecord, PartRecord
from .scan import Scan
from .sketch import EFFORTS, Effort, SketchSpec
from .store import Store
from .units import Arrays
from .unused import in_frozen_order

_log = logging.getLogger(__name__)


def fingerprint(
    model: str | os.PathLike[str] | Location,
    *,
    effort: Effort | None = None,
    sketch: SketchSpec | None = None,
    workers: Workers = None,
    cache: Cache | None = None,
    progress: Progress = in_notebook,
) -> Fingerprint:
    """Fingerprint a checkpoint, or load a fingerprint file.

    Parameters
    ----------
    model : path or address of a folder or file of weights, or path of a saved fingerprint.
    effort : how much to read. ``"full"``: every tensor once; adds the arrays of the panel tests, spread, and a digest
        of all weights. ``"standard"``: only the arrays of the exact tests but that of heads, the same as at full; a
        few percent of the bytes. ``"screen"``: exact tests on fewer units, without ``down`` and ``o``. The default
        is full for local files, else standard.
    sketch : sizes of the sketch; keep the default to compare with fingerprints of others.
    workers : number of processes for reading layers, or an executor; the result does not depend on it.
    cache : where to keep fingerprints between runs. By default, fingerprints of models at a commit of the Hub are
        kept in the folder that ``verify cache`` shows; those of files that may change are not.
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
        If an argument is invalid, or the sketch version does not exist.
    """
    return made_for(model, effort, sketch=sketch, workers=workers, cache=cache, progress=progress, panels=True)


def made_for(
    model: str | os.PathLike[str] | Location,
    effort: Effort | None,
    *,
    sketch: SketchSpec | None = None,
    workers: Workers = None,
    cache: Cache | None = None,
    progress: Progress = in_notebook,
    panels: bool,
) -> Fingerprint:
    """Fingerprint a checkpoint, as :func:`fingerprint`, for panels too or for the exact tests alone.

    Parameters
    ----------
    model, effort, sketch, workers, cache, progress : as of :func:`fingerprint`.
    panels : whether the components that only panels read are made; those of a fingerprint that is kept always are.
    """
    location = Location.of(model)
    sketch = SketchSpec() if sketch is None else options.instance("sketch", sketch, SketchSpec, "a SketchSpec")
    effort = None if effort is None else options.one_of("effort", effort, EFFORTS)
    workers, progress = options.processes("workers", workers), options.function("progress", progress)
    cache = None if cache is None else options.instance("cache", cache, Cache, "a Cache")
    if sketch.version != SketchSpec().version:
        raise InputError(
            f"Sketch version {sketch.version} was asked for; this version of verify makes {SketchSpec().version}."
        )
    if is_fingerprint(Path(location.address)):
        for what in ("base", "declare", "layout", "part", "revision", "tokenizer"):
            if getattr(location, what) is not None:
                name = Path(location.address).name
                raise InputError(f"{name!r:.120} is a fingerprint, and a {what} is given; leave the {what} out.")
        return Fingerprint.load(location.address, signer=location.signer)
    location.refuse_signer()
    where = resolve_location(location)
    effort = effort or ("full" if where.local else "standard")
    sketch = sketch.at(effort)
    if cache is None and where.committed:
        cache = Cache.default()
    store = None if cache is None else Store(cache, where, sketch, effort)
    if store is not None and (kept := store.get()) is not None:
        return kept
    checkpoint = open_checkpoint(where.location)
    made = _read(checkpoint, where.location, sketch, effort, workers, progress, panels=panels or store is not None)
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
    *,
    panels: bool,
) -> Fingerprint:
    """Read the main part and its further parts, or the one part that the location names."""
    readings = [_read_part(checkpoint, location, sketch, effort, workers, progress, panels=panels)]
    if location.part is None:
        for part in checkpoint.further():
            where = replace(location, part=part.part.name)
            readings.append(_read_part(part, where, sketch, effort, workers, progress, panels=panels))
    main, *further = readings
    owned = {name for one in readings for name in one.checkpoint.unrecognised}
    unknown = checkpoint.again()
    scan = Scan(unknown)
    if effort == "full" and location.part is None:
        scan.skim_unknown(name for names in checkpoint.strange.values() for name in names if name not in owned)
    content = main.digests | scan.digests
    content |= {f"part {n}": bytes.fromhex(value) for n, value in enumerate(sorted(one.sha256 for one in further))}
    listed = checkpoint.parts if location.part is None else _alone(checkpoint)
    whole = {"content_sha256": _digest(content, effort), "files": checkpoint.files(read=effort == "full")}
    first, *others = (FingerprintRecord(**one.fields, **whole) for one in readings)
    digests = {name: value for one in readings for name, value in one.digests.items()} | scan.digests
    own = {one.checkpoint.part.name: one.sha256 for one in readings} if effort == "full" else {}
    strange = strange_tensors(checkpoint, digests, set.union(scan.varied, *(one.varied for one in readings)))
    telling: Counter[str] = Counter()
    for tensor in strange:
        telling[tensor.part] += tensor.numbers * tensor.telling
    largest = sorted(strange, key=lambda tensor: (-tensor.numbers, tensor.name))[:MOST_STRANGE]
    first = first.model_copy(
        update={
            "parts": tuple(
                PartRecord(
                    sha256=(
                        digest_of_group(checkpoint, part.name, digests)
                        if part.name in checkpoint.strange
                        else own.get(part.name)
                    ),
                    telling=telling[part.name],
                    **dict(part),
                )
                for part in listed
            ),
            "rest": tuple(sorted(largest, key=lambda tensor: tensor.name)),
            "bytes_read": unknown.bytes_read + sum(one.fields["bytes_read"] for one in readings),
        }
    )
    for record in (first, *others):  # what could not be read again is not made
        try:
            check_record(record)
        except FingerprintError as error:
            raise UnsupportedError(f"{first.name!r:.120} {error}, so it has no fingerprint; report it.") from error
    _log.info("%s: %s effort, %d bytes read", first.name, effort, first.bytes_read)
    parts = [
        Fingerprint(record, one.arrays, read_from="weights") for record, one in zip(others, further, strict=True)
    ]
    return Fingerprint(first, main.arrays, parts, read_from="weights").sealed()


def _alone(checkpoint: Checkpoint) -> tuple[Part, ...]:
    """All parts of a model of which this one alone is read: it comes first, and no table reads the others."""
    others = (part for part in checkpoint.parts if part.name != checkpoint.part.name)
    return checkpoint.part, *(part.model_copy(update={"family": ""}) for part in others)


class _Reading(NamedTuple):
    """The arrays and record fields of one part of a model."""

    checkpoint: Checkpoint
    fields: dict[str, Any]
    """Fields of its record, except those that depend on all parts."""
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
    *,
    panels: bool,
) -> _Reading:
    architecture = checkpoint.architecture
    what, total = f"reading {checkpoint.name}", architecture.layers + 2
    if location.part is not None:
        what += f", {checkpoint.part.name}"
    tokens = TokenRows.of(checkpoint, sketch)
    outside, embedding, writing = read_outside_layers(
        checkpoint.again(), sketch, effort, list(tokens.anchors.values()), tokens.unread, len(tokens.unused)
    )
    progress(what, 1, total)
    run = uuid4().hex
    opened[run] = checkpoint
    layers = range(architecture.layers)
    tasks = [Task(run, location, layer, sketch, effort, embedding, writing, panels) for layer in layers]
    parts = [outside]
    try:
        for part in run_in_order(read_layer, tasks, workers):
            parts.append(part)
            layer = len(parts) - 1
            _log.debug("%s: layer %d of %d, %d bytes", what, layer, architecture.layers, sum(part.bytes_of.values()))
            progress(what, len(parts), total)
    finally:
        opened.pop(run, None)
    arrays = {name: array for part in parts for name, array in part.arrays.items()}
    tallies = {key: value for part in parts for key, value in part.tallies.items()}
    digests = {name: value for part in parts for name, value in part.digests.items()}
    fields: dict[str, Any] = {
        "name": checkpoint.name,
        "origin": checkpoint.origin,
        "revision": checkpoint.revision,
        "merged_onto": checkpoint.merged_onto,
        "declared_bases": checkpoint.declared_bases,
        "declared_relation": checkpoint.declared_relation,
        "architecture": architecture,
        "not_read": checkpoint.not_read,
        "stored_as": checkpoint.matrix_types,
        "effort": effort,
        "sketch": sketch,
        "components": tuple(c for c in components(sketch, effort) if panels or c not in OF_PANELS),
        "anchors": tuple(tokens.anchors),
        "pairing": tokens.pairing,
        "unused": tokens.unused,
        "tokenizer": tokens.tokenizer,
        "dead": _dead(arrays),
        "non_finite": _non_finite(parts, tallies, effort),
        "outside": checkpoint.outside,
        "unrecognised": checkpoint.unrecognised,
        "unrecognised_inside": checkpoint.unrecognised_inside,
        "notes": tuple(sorted(set.union(*(part.notes for part in parts)), key=Phrase.model_dump_json)),
        "part": checkpoint.part.name,
        "bytes_read": distinct_bytes(part.bytes_of for part in parts),
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
        arrays | _spread(tallies, architecture),
        digests,
        _digest(relative, effort),
        outside.varied,
    )


class TokenRows(NamedTuple):
    """The rows of tokens that are read of a part."""

    tokenizer: str | None
    """File of the tokenizer."""
    pairing: Pairing
    anchors: dict[int, int]
    """Row by number of the anchor, ascending."""
    unread: list[int]
    """Rows of all tokens that no text contains."""
    unused: tuple[str, ...]
    """Names of the first of them, which are kept."""

    @staticmethod
    def of(checkpoint: Checkpoint, sketch: SketchSpec) -> TokenRows:
        """The rows by the tokenizer of a checkpoint, as far as it is known."""
        tokenizer, vocab = checkpoint.vocabulary(), checkpoint.architecture.vocab
        pairing, known = anchors_of(tokenizer, vocab, sketch.anchors)
        unread = {} if tokenizer is None else tokenizer.unused_rows(vocab)
        names = in_frozen_order(unread)
        file = None if tokenizer is None else tokenizer.file
        return TokenRows(file, pairing, dict(known), [unread[n] for n in names], tuple(names[: sketch.unused]))


def _digest(digests: dict[str, bytes], effort: Effort) -> str:
    """Digest of every learned tensor at full effort, else of the rows read, in order of names."""
    whole = hashlib.sha256()
    for name in sorted(digests):
        if effort != "full" or not name.startswith("rows "):
            whole.update(hashlib.sha256(name.encode()).digest() + digests[name])
    return whole.hexdigest()


def _non_finite(parts: list[Piece], tallies: dict[tuple[str, int | None], Tally], effort: Effort) -> int:
    """Number of non-finite entries, of all at full effort, else of those read; a shared norm counts once."""
    if effort == "full":
        return sum(found.non_finite for found in tallies.values())
    return sum({name: count for part in parts for name, count in part.non_finite.items()}.values())


def distinct_bytes(bytes_of: Iterable[Mapping[Key | str, int]]) -> int:
    """Distinct bytes read; of a tensor read for several layers, the largest number."""
    most: dict[Key | str, int] = {}
    for found in bytes_of:
        for name, size in found.items():
            most[name] = max(size, most.get(name, 0))
    return sum(most.values())


def _dead(arrays: Arrays) -> tuple[DeadCount, ...]:
    """Counts of rows of unit and value arrays that are zero or not finite."""
    rows: dict[tuple[str, int], int] = {}
    for name, array in arrays.items():
        component, layer = name.split(".")[:2]
        if component in ("units", "values"):
            key = component, int(layer)
            rows[key] = rows.get(key, 0) + int((~array.any(-1)).sum())
    return tuple(
        DeadCount(component=component, layer=layer, rows=count) for (component, layer), count in rows.items() if count
    )


def _spread(tallies: dict[tuple[str, int | None], Tally], architecture: Architecture) -> Arrays:
    """Moments of each role, shape [layers, 4]; NaN if a layer lacks the role, no array if all do."""
    moments, nothing = {key: found for key, found in tallies.items() if isinstance(found, Moments)}, Moments()
    return {
        spec.name: np.array([moments.get((spec.role, i), nothing).summary() for i in range(architecture.layers)])
        for spec in spread_specs(architecture)
        if any((spec.role, i) in moments for i in range(architecture.layers))
    }
