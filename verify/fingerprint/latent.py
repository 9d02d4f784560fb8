r"""Attention behind latent vectors, as in DeepSeek V2 and V3: rows that read the stream.

With x the normed stream, keys and values are made of ``c = A x`` and, for all heads at once, of one rotary key ``k =
K x``; A and K lie in one tensor, ``latent_kv_a``. Behind an RMS norm with gain g, ``latent_kv_b`` makes of c, for
each head in turn, the keys that positions leave alone and the values: ``v = B diag(g) c / |c|``. Queries are made of
x, or of a latent vector of their own in the same way; of each head, first come the channels that positions leave
alone.

But for the norm, a number for each token that all channels share, a value channel thus reads the stream by the row
``B_i diag(g) A``, as in attention without a latent vector it reads by a row of v. Three groups act on these tensors
and leave the function alone:

- signed permutations of the value channels of a head: rows of B, with columns of o;
- signed permutations of the channels of a latent vector: rows of A, entries of g, columns of B. An RMS norm does not
  depend on the order or the signs of its channels. A sign may go to g instead of A, so columns of B are taken times
  g;
- quarter turns of the planes of the rotary key, a pair of rows of K, with the same planes of the queries of all
  heads.

The first changes a row ``B_i diag(g) A`` only in sign or place, and the second leaves it alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import distinct
from ..checkpoint import Checkpoint
from .heads import diagonal, normed
from .layout import has_heads, kept_channels, kept_latent, key_size, latent_specs
from .products import images, images_of_columns
from .responses import Tokens, centred
from .rows import Rows, plain_channels, planes
from .scan import Scan
from .sketch import Effort, SketchSpec, projection, unit_rows
from .units import Arrays


class Latent(NamedTuple):
    """Chosen rows of one layer."""

    values: Rows
    """Value channels kept, shape [heads * n, .]."""
    keys: dict[tuple[str, str], Rows]
    """By role (k, q) and part (turned, plain), shape [heads, n, 2 or 1, .]; of q, none below ``standard`` effort."""
    channels: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    """Of the latent vectors kv and q, channels kept: rows [n, width], and leading entries of columns [n, m]."""


def read_latent(scan: Scan, checkpoint: Checkpoint, layer: int, sketch: SketchSpec, effort: Effort) -> Latent | None:
    """Chosen rows of a layer; None if it has no latent vector.

    Parameters
    ----------
    scan : reads and digests rows.
    checkpoint : the model.
    layer : number of the layer, from 0.
    sketch : sizes, as of this effort.
    effort : below ``standard``, queries are not read.
    """
    shape = checkpoint.architecture
    if not shape.latent or not has_heads(shape, layer):
        return None
    plain = key_size(shape) - shape.rotary_size
    size, heads = plain + shape.head_size, np.arange(shape.heads)[:, None, None]
    at_values = heads[:, 0] * size + plain + kept_channels(shape, sketch).indices
    turned, alone = planes(shape, sketch), plain_channels(shape, sketch)
    into = scan.rows("latent_kv_a", layer, np.arange(shape.latent + shape.rotary_size))
    gain = scan.gain(("latent_kv_a_norm", layer))
    out_of = _Chosen(scan, checkpoint, "latent_kv_b", layer, sketch.rows, [at_values, heads * size + alone])
    through = gain[:, None] * into[: shape.latent]
    keys = {
        ("k", "turned"): Rows(into[shape.latent - plain + turned][None]),
        ("k", "plain"): Rows(out_of.at(heads * size + alone), through),
    }
    kept = kept_latent(shape, sketch, query=False).indices
    channels = {"kv": (into[kept], (out_of.leading * gain)[:, kept].T)}
    at_queries = {"turned": heads * key_size(shape) + turned, "plain": heads * key_size(shape) + alone}
    wanted = [*at_queries.values()] if effort != "screen" else []
    queries, behind = None, None
    if shape.latent_query:
        kept = kept_latent(shape, sketch, query=True).indices
        read = np.arange(shape.latent_query) if wanted else kept
        rows, gain = scan.rows("latent_q_a", layer, read), scan.gain(("latent_q_a_norm", layer))
        queries = _Chosen(scan, checkpoint, "latent_q_b", layer, sketch.rows, wanted)
        channels["q"] = rows[np.searchsorted(read, kept)], (queries.leading * gain)[:, kept].T
        behind = gain[:, None] * rows if wanted else None
    elif wanted:
        queries = _Chosen(scan, checkpoint, "latent_q", layer, 0, wanted)
    if queries is not None and wanted:
        of_heads = queries.at(at_queries["turned"]).sum(0, keepdims=True)  # all heads read one rotary key
        keys |= {
            ("q", "turned"): Rows(of_heads, behind),
            ("q", "plain"): Rows(queries.at(at_queries["plain"]), behind),
        }
    return Latent(Rows(out_of.at(at_values.ravel()), through), keys, channels)


def latent_channels(
    latent: Latent | None, checkpoint: Checkpoint, layer: int, sketch: SketchSpec, tokens: Tokens
) -> Arrays:
    """Arrays ``latent.*`` and ``latent_responses.*`` of a layer; none without a latent vector.

    Parameters
    ----------
    latent : chosen rows of the layer.
    checkpoint : the model.
    layer : number of the layer, from 0.
    sketch : sizes, as of this effort.
    tokens : the anchors as the model sees them.
    """
    arrays: Arrays = {}
    if latent is None:
        return arrays
    signs = projection(checkpoint.architecture.width, sketch.projections)
    for spec in latent_specs(checkpoint.architecture, sketch, len(tokens.embedding), layer):
        rows, columns = latent.channels[spec.part]
        if spec.component == "latent_responses":
            arrays[spec.name] = unit_rows(centred(rows @ tokens.reading("attn", layer)))
        elif spec.role == "a":
            arrays[spec.name] = unit_rows(rows @ signs)
        else:
            arrays[spec.name] = unit_rows(columns @ projection(columns.shape[1], sketch.projections))
    return arrays


def latent_heads(scan: Scan, checkpoint: Checkpoint, layer: int, tokens: Tokens) -> dict[str, NDArray[np.float16]]:
    """What heads behind latent vectors do with single tokens, ``qk`` and ``vo``; see :mod:`verify.fingerprint.heads`.

    Parameters
    ----------
    scan : reads and digests whole tensors.
    checkpoint : the model.
    layer : number of the layer, from 0.
    tokens : the anchors as the model sees them.
    """
    shape = checkpoint.architecture
    plain = key_size(shape) - shape.rotary_size
    reading, seen = tokens.reading("attn", layer) / tokens.sizes, tokens.embedding.T / tokens.sizes
    into = images(scan.rows_of("latent_kv_a", layer), reading)
    behind = normed(into[: shape.latent], scan.gain(("latent_kv_a_norm", layer)))
    made = images(scan.rows_of("latent_kv_b", layer), behind).reshape(shape.heads, -1, reading.shape[1])
    if shape.latent_query:
        asked = normed(images(scan.rows_of("latent_q_a", layer), reading), scan.gain(("latent_q_a_norm", layer)))
        queries = images(scan.rows_of("latent_q_b", layer), asked)
    else:
        queries = images(scan.rows_of("latent_q", layer), reading)
    shared = np.broadcast_to(into[shape.latent :], (shape.heads, shape.rotary_size, reading.shape[1]))
    keys = np.concatenate([made[:, :plain], shared], axis=1)
    written = images_of_columns(scan.rows_of("latent_o", layer), checkpoint.shape("latent_o", layer)[1], seen)
    return {
        "qk": diagonal(queries, keys.reshape(queries.shape), shape.heads),
        "vo": diagonal(written, made[:, plain:].reshape(written.shape), shape.heads),
    }


class _Chosen:
    """Rows of one tensor, read once: the leading ones, and sets of others."""

    def __init__(
        self,
        scan: Scan,
        checkpoint: Checkpoint,
        role: str,
        layer: int,
        leading: int,
        others: list[NDArray[np.intp]],
    ) -> None:
        first = np.arange(min(leading, checkpoint.shape(role, layer)[0]))
        self._read = distinct(np.concatenate([first, *(rows.ravel() for rows in others)]))
        self._rows = scan.rows(role, layer, self._read)
        self.leading = self.at(first)

    def at(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Some of the rows, shape [..., k] for indices [...]."""
        found: NDArray[np.float64] = self._rows[np.searchsorted(self._read, rows)]
        return found
