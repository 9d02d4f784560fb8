"""Attention components of one layer: value channels, circuits on the anchors, and their spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint
from .circuits import circuit, in_circuits, spectrum
from .responses import Tokens, centred
from .scan import Scan
from .sketch import SketchSpec, chosen_indices, projection, unit_rows
from .units import Arrays


def attention_components(
    checkpoint: Checkpoint, scan: Scan, layer: int, sketch: SketchSpec, tokens: Tokens
) -> Arrays:
    """Arrays ``values.*``, ``response.{layer}.values``, ``spectrum.*`` and, of the last layers, ``circuit.*``.

    A channel of a kv head is one row of v, and one column of o in each query head that reads it; the
    columns of the query heads are summed, so that their order within a group does not matter.
    """
    shape = checkpoint.architecture
    if not shape.kv_heads:  # no number of heads, or no plain k and v
        return {}
    heads, sharing, size = shape.kv_heads, shape.heads // shape.kv_heads, shape.head_size
    q, k, v, o = (scan.whole(role, layer).astype(np.float64) for role in "qkvo")
    channels, signs = chosen_indices("channels", size, sketch.channels), projection(shape.width, sketch.projections)
    reading, gain = tokens.reading("attn", layer), tokens.gain("attn", layer)
    with np.errstate(invalid="ignore"):
        v_rows = v.reshape(heads, size, -1)[:, channels]
        o_columns = (o.T @ signs).reshape(heads, sharing, size, -1).sum(1)[:, channels]
        k, v = (_repeated(x, heads, sharing) for x in (k, v))
        arrays: Arrays = {
            f"values.{layer}.v": unit_rows(v_rows @ signs),
            f"values.{layer}.o": unit_rows(o_columns),
            f"response.{layer}.values": unit_rows(centred(v_rows @ reading)),
            f"spectrum.{layer}.qk": spectrum(q * gain, k * gain, sketch.spectrum),
            f"spectrum.{layer}.vo": spectrum(v * gain, o.T, sketch.spectrum),
        }
        if in_circuits(layer, shape):
            arrays[f"circuit.{layer}.qk"] = circuit(q @ reading, k @ reading)
            arrays[f"circuit.{layer}.vo"] = circuit(v @ reading, o.T @ tokens.embedding.T)
    return arrays


def _repeated(x: NDArray[np.float64], heads: int, sharing: int) -> NDArray[np.float64]:
    """Rows of kv heads [heads * size, width], each head once per query head that reads it."""
    per_head = x.reshape(heads, -1, x.shape[1])
    return np.repeat(per_head, sharing, axis=0).reshape(-1, x.shape[1])
