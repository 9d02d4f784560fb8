"""Responses of weight rows to the embeddings of anchor tokens: what a residual rotation cannot change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sketch import unit_rows


def response(
    rows: NDArray[np.float64], gain: NDArray[np.float64], embedding: NDArray[np.float64]
) -> NDArray[np.float16]:
    """Row times norm gain times embedding, centred over anchors, scaled to length 1.

    With the gain folded into the rows and the stream rotated by any orthogonal Q the response
    is unchanged: (W diag(g) Q)(E Q)' = W diag(g) E'.

    Parameters
    ----------
    rows : shape [n, width]
    gain : shape [width], the gain of the norm that the rows read through, offset included.
    embedding : shape [anchors, width]

    Returns
    -------
    float16 array, shape [n, anchors]
    """
    raw = (rows * gain) @ embedding.T
    return unit_rows(raw - raw.mean(1, keepdims=True))
