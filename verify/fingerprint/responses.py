"""Responses to anchor tokens, which do not change when the residual stream is rotated.

With norm gains folded into the matrices that read through them, and the stream rotated by any orthogonal Q, a
response is unchanged: (W diag(g) Q)(E Q)' = W diag(g) E'. So is the output of a unit read through the final norm and
the unembedding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Tokens(NamedTuple):
    """Embeddings and unembeddings of the anchors, and norm gains."""

    embedding: NDArray[np.float64]
    """Shape [anchors, width]; centred over the stream under layer norm, which removes the mean."""
    writing: NDArray[np.float64]
    """Unembedding of the anchors times the gain of the final norm, shape [width, anchors]."""
    gain: Callable[[str, int], NDArray[np.float64]]
    """Gain of the norm before a sublayer ("attn" or "mlp") of a layer, shape [width], offset included."""

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Root mean squares of the embeddings, by which a norm divides, 1 in place of 0, shape [anchors]."""
        size: NDArray[np.float64] = np.sqrt(np.square(self.embedding).mean(1))
        return np.where(size > 0, size, 1.0)

    def reading(self, sublayer: str, layer: int) -> NDArray[np.float64]:
        """Embeddings times the norm gain, by which rows of a sublayer are multiplied, shape [width, anchors]."""
        return (self.embedding * self.gain(sublayer, layer)).T


def centred(responses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Responses [..., anchors] less their mean over the anchors."""
    with np.errstate(invalid="ignore"):
        mean = responses.sum(-1, keepdims=True) / max(1, responses.shape[-1])  # there may be no anchors
        less: NDArray[np.float64] = responses - mean
    return less


def less_common(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows [experts, k] less their mean, which does not depend on their order to the last bit."""
    mean: NDArray[np.float64] = np.sort(rows, axis=0).sum(0) / max(1, len(rows))
    return rows - mean
