"""Attention values of one layer: projected value channels, and their responses to anchors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Checkpoint
from .responses import response
from .scan import Scan
from .sketch import SketchSpec, chosen_indices, projection, unit_rows
from .units import Arrays


def value_components(
    checkpoint: Checkpoint,
    scan: Scan,
    layer: int,
    sketch: SketchSpec,
    gain: NDArray[np.float64],
    embedding: NDArray[np.float64],
) -> Arrays:
    """Arrays ``values.{layer}.v``, ``.o`` and ``response.{layer}.values``; shapes [kv heads, n, .].

    A channel of a kv head is one row of v, and one column of o in each query head that reads it.
    ``gain`` and ``embedding`` are as for the MLP.
    The columns of the query heads are summed, so that their order within a group does not matter.
    """
    shape = checkpoint.architecture
    channels = chosen_indices("channels", shape.head_size, sketch.channels)
    rows_of = np.arange(shape.kv_heads)[:, None] * shape.head_size + channels
    signs = projection(shape.width, sketch.projections)
    v = scan.rows("v", layer, rows_of.ravel())
    sharing = shape.heads // shape.kv_heads
    query_heads = np.arange(shape.heads).reshape(shape.kv_heads, sharing)
    columns_of = query_heads[:, None, :] * shape.head_size + channels[None, :, None]
    o = scan.columns("o", layer, columns_of.ravel(), signs)
    heads = (shape.kv_heads, len(channels), -1)
    return {
        f"values.{layer}.v": unit_rows((v @ signs).reshape(heads)),
        f"values.{layer}.o": unit_rows(o.reshape(*heads[:2], sharing, -1).sum(2)),
        f"response.{layer}.values": response(v, gain, embedding).reshape(*heads[:2], len(embedding)),
    }
