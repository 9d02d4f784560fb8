"""What each kv head of a layer does with single tokens, whatever the basis of its channels.

A kv head and the query heads that read it are described by two functions of a token alone. With x = g * e / |e|, for
the token's embedding e and the gain g of the norm before attention:

- ``qk``: the sum over these query heads of (Wq x) . (Wk x), the logits of attention at distance 0, where nothing is
  turned; q and k are normed and multiplied by their gains first, where the model does so;
- ``vo``: the sum over these query heads of (Wv x) . (Wo' e / |e|), what is written of the token along its own
  embedding.

Biases are not read. Neither function depends on the order of the query heads, on the basis of the channels (an
invertible map of k, and its inverse transpose in q, cancel; so do those of v and o), on turned planes of q and k, or
on a rotation of the residual stream with folded gains: (Wq diag(g) Q)(e Q)' = Wq diag(g) e'. Permuting the kv heads
of a layer together with their query heads permutes them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .responses import centred
from .sketch import unit_rows


def normed(image: NDArray[np.float64], gain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Images [n, anchors] of q or k behind a norm over every ``len(gain)`` channels, with its gain."""
    parts = image.reshape(-1, len(gain), image.shape[1])
    size = np.sqrt(np.square(parts).mean(1, keepdims=True))
    behind: NDArray[np.float64] = parts / np.where(size > 0, size, 1.0) * gain[:, None]
    return behind.reshape(image.shape)


def diagonal(queries: NDArray[np.float64], others: NDArray[np.float64], heads: int) -> NDArray[np.float16]:
    """The function of a token of every kv head, centred over the anchors and scaled to length 1.

    Parameters
    ----------
    queries : images of the channels of the query heads (rows of q, or columns of o), [heads * size, anchors].
    others : images of the channels of the kv heads (rows of k or of v), [kv heads * size, anchors].
    heads : number of kv heads.

    Returns
    -------
    array
        float16, shape [kv heads, anchors].
    """
    rows, anchors = others.shape  # there may be no anchors
    size = rows // heads
    of_heads = others.reshape(heads, size, anchors)
    shared = queries.reshape(heads, len(queries) // rows, size, anchors).sum(1)
    return unit_rows(centred((shared * of_heads).sum(1)))
