"""Anchor tokens as a model sees them: what a rotation of its residual stream cannot change.

With norm gains folded into what reads through them, and the stream rotated by any orthogonal Q, a
response is unchanged: (W diag(g) Q)(E Q)' = W diag(g) E'. So is what a unit writes, read out by the
unembedding behind the final norm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Tokens:
    """Embeddings of the anchors, and how a model reads and writes them."""

    embedding: NDArray[np.float64]
    """Shape [anchors, width]; centred over the stream under layer norm, which removes the mean."""
    writing: NDArray[np.float64]
    """Unembedding of the anchors times the gain of the final norm, shape [width, anchors]."""
    gain: Callable[[str, int], NDArray[np.float64]]
    """Gain of the norm before a sublayer ("attn" or "mlp") of a layer, shape [width], offset included."""

    def reading(self, sublayer: str, layer: int) -> NDArray[np.float64]:
        """What the rows of a sublayer are multiplied with, shape [width, anchors]."""
        return (self.embedding * self.gain(sublayer, layer)).T


def centred(responses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Responses [..., anchors] less their mean over the anchors."""
    with np.errstate(invalid="ignore"):
        mean = responses.sum(-1, keepdims=True) / max(1, responses.shape[-1])  # there may be no anchor at all
        less: NDArray[np.float64] = responses - mean
    return less
