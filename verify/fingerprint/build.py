"""Checkpoint to fingerprint: one pass over the weights, layer by layer."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..base import InputError, Progress, silent
from ..checkpoint import Checkpoint, open_checkpoint
from .anchors import known_anchors
from .attention import attention_components
from .check import SPREAD_ROLES
from .moments import Moments
from .record import DeadCount, Fingerprint, FingerprintRecord, is_fingerprint
from .responses import Tokens
from .scan import Scan
from .sketch import SketchSpec, chosen_indices, unit_rows
from .units import Arrays, mlp_components


def fingerprint(
    model: str | os.PathLike[str],
    *,
    effort: Literal["full"] = "full",
    sketch: SketchSpec | None = None,
    progress: Progress = silent,
) -> Fingerprint:
    """Fingerprint a checkpoint, or load a fingerprint file.

    Parameters
    ----------
    model : path of a folder or safetensors file of weights, or of a saved fingerprint.
    effort : ``"full"`` reads every tensor once and adds spread and content digest.
    sketch : sizes of the sketch; the default is the one everybody else uses.
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
    if effort != "full":
        raise InputError(f"effort is {effort!r}; give 'full'.")
    path = Path(model)
    if is_fingerprint(path):
        return Fingerprint.load(path)
    with open_checkpoint(path) as checkpoint:
        return _scan(checkpoint, sketch, progress)


@np.errstate(over="ignore", invalid="ignore")  # what is not finite is counted, and becomes zero rows
def _scan(checkpoint: Checkpoint, sketch: SketchSpec, progress: Progress) -> Fingerprint:
    architecture, scan = checkpoint.architecture, Scan(checkpoint)
    what, total = f"reading {checkpoint.name}", architecture.layers + 2
    known = known_anchors(checkpoint.vocabulary(), sketch.anchors)
    arrays, tokens = _stream(checkpoint, scan, sketch, [token for _, token in known])
    progress(what, 1, total)
    scan.skim_rest(None)
    for layer in range(architecture.layers):
        arrays |= attention_components(checkpoint, scan, layer, sketch, tokens)
        arrays |= mlp_components(checkpoint, scan, layer, sketch, tokens)
        scan.skim_rest(layer)
        progress(what, layer + 2, total)
    record = FingerprintRecord(
        name=checkpoint.name,
        architecture=architecture,
        files=checkpoint.files(),
        content_sha256=scan.content_sha256(),
        sketch=sketch,
        anchors=tuple(position for position, _ in known),
        dead=_dead(arrays),
        non_finite=sum(moments.non_finite for moments in scan.moments.values()),
        outside=checkpoint.outside,
        unrecognised=checkpoint.unrecognised,
        bytes_read=checkpoint.bytes_read,
        software={name: version(name) for name in ("verify-lineage", "numpy", "safetensors")},
    )
    progress(what, total, total)
    return Fingerprint(record, arrays | _spread(scan, architecture.layers))


def _stream(checkpoint: Checkpoint, scan: Scan, sketch: SketchSpec, ids: list[int]) -> tuple[Arrays, Tokens]:
    """Arrays ``stream.*`` and ``gram.embed``, and the anchors as the model sees them."""
    shape = checkpoint.architecture
    kept = chosen_indices("stream", shape.width, sketch.stream)
    rows: dict[str, NDArray[np.float64]] = {}
    order = np.argsort(ids, kind="stable").astype(np.intp)
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

    def gain(role: str, layer: int | None) -> NDArray[np.float64]:
        return scan.whole(role, layer).astype(np.float64) + shape.norm_offset

    def gain_before(sublayer: str, layer: int) -> NDArray[np.float64]:
        norm = checkpoint.norm_before(sublayer, layer)
        return gain(*norm) if norm else np.ones(shape.width)

    last = gain("norm_final", None) if checkpoint.has("norm_final") else np.ones(shape.width)
    return arrays, Tokens(embedding, (finite.get("unembed", embedding) * last).T, gain_before)


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


def _spread(scan: Scan, layers: int) -> Arrays:
    """Moments of each role, shape [layers, 4]; NaN where a layer lacks it, absent where all do."""
    nothing = Moments()
    return {
        f"spread.{role}": np.array([scan.moments.get((role, i), nothing).summary() for i in range(layers)])
        for role in SPREAD_ROLES
        if any((role, i) in scan.moments for i in range(layers))
    }
