"""Responses to anchor tokens, which do not change when the residual stream is rotated.

With norm gains folded into the matrices that read through them, and the stream rotated by any orthogonal Q, a
response is unchanged: (W diag(g) Q)(E Q)' = W diag(g) E'. So is the output of a unit read through the final norm and
the unembedding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tokens:
    """Embeddings and unembeddings of the anchors, and norm gains."""

    embedding: NDArray[np.float64]
    """Shape [anchors, width]; centred over the stream under layer norm, which removes the mean."""
    writing: NDArray[np.float64]
    """Unembedding of the anchors times the gain of the final norm, shape [width, anchors]."""
    gain: Callable[[str, int], NDArray[np.float64]]
    """Gain of the norm before a sublayer ("attn" or "mlp") of a layer, shape [width], offset included."""

    def reading(self, sublayer: str, layer: int) -> NDArray[np.float64]:
        """Embeddings times the norm gain, by which rows of a sublayer are multiplied, shape [width, anchors]."""
        return (self.embedding * self.gain(sublayer, layer)).T


def centred(responses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Responses [..., anchors] less their mean over the anchors."""
    with np.errstate(invalid="ignore"):
        mean = responses.sum(-1, keepdims=True) / max(1, responses.shape[-1])  # there may be no anchors
        less: NDArray[np.float64] = responses - mean
    return less
