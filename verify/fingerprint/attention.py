"""Attention components of one layer: value channels, circuits on the anchors, and their spectra."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import distinct
from ..checkpoint import Checkpoint
from .circuits import circuit, spectrum
from .heads import diagonal, normed
from .latent import Latent, latent_heads
from .layout import ArraySpec, attention_specs, has_heads, kept_channels, key_size, key_specs
from .products import images, images_of_columns
from .responses import Tokens, centred
from .rows import Rows, plain_channels, planes
from .scan import Scan
from .sketch import Effort, SketchSpec, projection, unit_planes, unit_rows
from .units import Arrays


def sampled_values(
    scan: Scan,
    checkpoint: Checkpoint,
    layer: int,
    sketch: SketchSpec,
    effort: Effort,
    tokens: Tokens,
    latent: Latent | None,
) -> Arrays:
    """Arrays ``values.*`` and ``response.{layer}.values``, from rows of v at chosen channels of each kv head.

    A channel of a kv head is one row of v, and one column of o in each query head that reads it; the
    columns of the query heads are summed, so that their order within a group does not matter.

    Parameters
    ----------
    scan : reads and digests rows.
    checkpoint : the model.
    layer : number of the layer, from 0.
    sketch : sizes, as of this effort.
    effort : below ``standard``, ``o`` is not read.
    tokens : the anchors as the model sees them.
    latent : chosen rows of a layer whose keys and values are made from a latent vector.

    Returns
    -------
    dict
        Arrays by name, as the table of :mod:`verify.fingerprint.layout` says.
    """
    shape = checkpoint.architecture
    if not has_heads(shape, layer):
        return {}
    heads, size, sharing = shape.kv_heads, shape.head_size, shape.heads // shape.kv_heads
    channels, signs = kept_channels(shape, sketch).indices, projection(shape.width, sketch.projections)
    if latent is not None:
        rows, writer = latent.values, "latent_o"
    else:
        rows, writer = Rows(scan.rows("v", layer, (np.arange(heads)[:, None] * size + channels).ravel())), "o"
    arrays: Arrays = {}
    for spec in _specs(checkpoint, layer, sketch, tokens):
        if spec.component == "response":
            arrays[spec.name] = _by_head(centred(rows @ tokens.reading("attn", layer)), heads)
        elif spec.component == "values" and spec.role == "v":
            arrays[spec.name] = _by_head(rows @ signs, heads)
        elif spec.component == "values" and spec.held_at(effort):
            columns = (np.arange(heads * sharing)[:, None] * size + channels).ravel()
            written = scan.leading_columns(writer, layer, columns, signs[: sketch.rows])
            shared = written.reshape(heads, sharing, len(channels), -1).sum(1)
            arrays[spec.name] = _by_head(shared.reshape(-1, shared.shape[-1]), heads)
    return arrays


def sampled_keys(
    scan: Scan,
    checkpoint: Checkpoint,
    layer: int,
    sketch: SketchSpec,
    effort: Effort,
    tokens: Tokens,
    latent: Latent | None,
) -> Arrays:
    """Arrays ``keys.*`` and ``key_responses.*``, from rows of k and q at chosen channels of each kv head.

    The rows of the query heads that read a kv head are summed, so that their order does not matter.

    Parameters
    ----------
    scan : reads and digests rows.
    checkpoint : the model.
    layer : number of the layer, from 0.
    sketch : sizes, as of this effort.
    effort : below ``standard``, ``q`` is not read.
    tokens : the anchors as the model sees them.
    latent : chosen rows of a layer whose keys and values are made from a latent vector.

    Returns
    -------
    dict
        Arrays by name, as the table of :mod:`verify.fingerprint.layout` says.
    """
    shape, arrays = checkpoint.architecture, Arrays()
    if not has_heads(shape, layer):
        return arrays
    found = [spec for spec in key_specs(shape, sketch, len(tokens.embedding), layer) if spec.held_at(effort)]
    roles = {spec.role for spec in found}
    chosen = _key_rows(scan, checkpoint, layer, sketch, roles) if latent is None else latent.keys
    for spec in found:
        rows = chosen[spec.role, spec.part]
        if spec.component == "keys":
            arrays[spec.name] = unit_planes(rows @ projection(shape.width, sketch.projections))
        else:
            arrays[spec.name] = unit_planes(centred(rows @ tokens.reading("attn", layer)))
    return arrays


def _key_rows(
    scan: Scan, checkpoint: Checkpoint, layer: int, sketch: SketchSpec, roles: set[str]
) -> dict[tuple[str, str], Rows]:
    """Chosen rows of k, and sums of those of q, by role and part, shape [kv heads, n, 2 or 1, width]."""
    shape, chosen = checkpoint.architecture, dict[tuple[str, str], Rows]()
    channels = {"turned": planes(shape, sketch), "plain": plain_channels(shape, sketch)}
    read = distinct(np.concatenate([rows.ravel() for rows in channels.values()]))
    for role, heads in (("k", shape.kv_heads), ("q", shape.heads)):
        if role in roles:
            wanted = (np.arange(heads)[:, None] * key_size(shape) + read).ravel()
            rows = scan.rows(role, layer, wanted).reshape(shape.kv_heads, -1, len(read), shape.width).sum(1)
            for part, at in channels.items():
                chosen[role, part] = Rows(rows[:, np.searchsorted(read, at)])
    return chosen


def whole_heads(
    scan: Scan, checkpoint: Checkpoint, layer: int, sketch: SketchSpec, tokens: Tokens, *, panels: bool
) -> Arrays:
    """Arrays ``heads.*`` and, for panels, ``spectrum.*`` and, of the last layers, ``circuit.*``, from all entries.

    Query heads that share a kv head are summed first, since the products of q and k, and of v and o, are sums over
    query heads.

    Parameters
    ----------
    scan : reads and digests whole tensors.
    checkpoint : the model.
    layer : number of the layer, from 0.
    sketch : sizes.
    tokens : the anchors as the model sees them.
    panels : whether arrays that only panels read are made.

    Returns
    -------
    dict
        Arrays by name, as the table of :mod:`verify.fingerprint.layout` says.
    """
    shape = checkpoint.architecture
    if not has_heads(shape, layer):
        return {}
    arrays: Arrays = {}
    names = {(spec.component, spec.part): spec.name for spec in _specs(checkpoint, layer, sketch, tokens)}
    if shape.latent:
        found = latent_heads(scan, checkpoint, layer, tokens)
        return {names["heads", name]: array for name, array in found.items() if ("heads", name) in names}
    gain, reading = tokens.gain("attn", layer), tokens.reading("attn", layer)
    with np.errstate(invalid="ignore"):
        for name, (left, right) in {"qk": ("q", "k"), "vo": ("v", "o")}.items():
            if not panels:
                if ("heads", name) in names:
                    of_heads = scan.rows_of(left, layer), scan.rows_of(right, layer)
                    arrays[names["heads", name]] = _of_heads(scan, checkpoint, layer, name, of_heads, tokens)
                continue
            x, y = scan.whole(left, layer), scan.whole(right, layer)
            if ("heads", name) in names:
                arrays[names["heads", name]] = _of_heads(scan, checkpoint, layer, name, ([x], [y]), tokens)
            if name == "qk":
                x = _shared(x, shape.kv_heads, key_size(shape))
            else:
                y = _shared(y.T, shape.kv_heads, shape.head_size)
            if ("circuit", name) in names:
                seen = reading if name == "qk" else tokens.embedding.T
                arrays[names["circuit", name]] = circuit(x @ reading, y @ seen)
            x *= gain.astype(np.float32)
            if name == "qk":
                y *= gain.astype(np.float32)
            arrays[names["spectrum", name]] = spectrum(x, y, sketch.spectrum)
    return arrays


def _of_heads(
    scan: Scan,
    checkpoint: Checkpoint,
    layer: int,
    name: str,
    matrices: tuple[Iterable[NDArray[np.float32]], Iterable[NDArray[np.float32]]],
    tokens: Tokens,
) -> NDArray[np.float16]:
    """What kv heads do with single tokens, of q and k, or of v and o, whose rows come in blocks.

    See :mod:`verify.fingerprint.heads`.
    """
    x, y = matrices
    heads, reading = checkpoint.architecture.kv_heads, tokens.reading("attn", layer) / tokens.sizes
    if name == "vo":
        columns, seen = checkpoint.shape("o", layer)[1], tokens.embedding.T / tokens.sizes
        return diagonal(images_of_columns(y, columns, seen), images(x, reading), heads)
    queries, keys = images(x, reading), images(y, reading)
    if checkpoint.architecture.query_key_norm == "gain":
        queries, keys = (normed(z, scan.gain((f"{role}_norm", layer))) for role, z in (("q", queries), ("k", keys)))
    return diagonal(queries, keys, heads)


def _specs(checkpoint: Checkpoint, layer: int, sketch: SketchSpec, tokens: Tokens) -> list[ArraySpec]:
    """The specifications of the attention arrays of one layer."""
    return list(attention_specs(checkpoint.architecture, sketch, len(tokens.embedding), layer))


def _by_head(rows: NDArray[np.float64], heads: int) -> NDArray[np.float16]:
    return unit_rows(rows).reshape(heads, len(rows) // heads, rows.shape[-1])


def _shared(x: NDArray[np.float32], kv_heads: int, size: int) -> NDArray[np.float32]:
    """Rows of query heads [heads * size, width] summed over the heads of a kv head, [kv_heads * size, width]."""
    per_head = x.reshape(kv_heads, -1, size, x.shape[1])
    if per_head.shape[1] == 1:
        return np.ascontiguousarray(x)
    summed: NDArray[np.float64] = per_head.sum(1, dtype=np.float64)
    return summed.astype(np.float32).reshape(kv_heads * size, -1)
