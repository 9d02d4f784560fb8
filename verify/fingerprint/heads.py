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

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from .responses import centred
from .sketch import unit_rows

_ROWS = 1 << 10  # rows, or columns, multiplied at a time
_SPAN = 1 << 24  # entries whose columns are multiplied at a time


def images(blocks: Iterable[NDArray[np.float32]], tokens: NDArray[np.float64]) -> NDArray[np.float64]:
    """Products of the rows of a matrix with tokens, in float64; they do not depend on its division into blocks.

    Parameters
    ----------
    blocks : rows [n, width], in order.
    tokens : shape [width, anchors].

    Returns
    -------
    array
        Shape [rows, anchors].
    """
    return np.concatenate([rows.astype(np.float64) @ tokens for rows in _regrouped(blocks, _ROWS)])


def images_of_columns(
    blocks: Iterable[NDArray[np.float32]], columns: int, tokens: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Products of the columns of a matrix with tokens, likewise.

    Parameters
    ----------
    blocks : rows [n, columns], in order.
    columns : number of columns.
    tokens : shape [rows, anchors].

    Returns
    -------
    array
        Shape [columns, anchors].
    """
    found: NDArray[np.float64] | None = None
    first, starts = 0, range(0, columns, _ROWS)
    for rows in _regrouped(blocks, max(1, _SPAN // max(1, columns))):
        seen = tokens[first : first + len(rows)]
        parts = [rows[:, start : start + _ROWS].T.astype(np.float64) @ seen for start in starts]
        products = np.concatenate(parts)
        found, first = products if found is None else found + products, first + len(rows)
    return np.zeros((columns, tokens.shape[1])) if found is None else found


def _regrouped(blocks: Iterable[NDArray[np.float32]], rows: int) -> Iterator[NDArray[np.float32]]:
    """The same rows in blocks of so many; the last may have fewer."""
    held: list[NDArray[np.float32]] = []
    for block in blocks:
        left = block
        while (missing := rows - sum(map(len, held))) <= len(left):
            yield np.concatenate([*held, left[:missing]]) if held else left[:missing]
            held, left = [], left[missing:]
        held += [left] if len(left) else []
    if held:
        yield np.concatenate(held) if held[1:] else held[0]


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
