"""Products of two weight matrices through what lies between them: seen on the anchors, and by their spectra.

Neither depends on the order, sign or basis of the channels in between, nor on a rotation of the
residual stream (norm gains folded in).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import Architecture
from .sketch import projection, unit_rows

_LAST = 2  # layers at the end of which circuits are kept, as in HuRef
_DENSE = 512  # width up to which the whole decomposition is cheaper than a partial one


def in_circuits(layer: int, architecture: Architecture) -> bool:
    """Whether circuits of a layer are kept."""
    return layer >= architecture.layers - _LAST


def circuit(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float16]:
    """X W1' W2 X' for the images ``left`` = W1 X', ``right`` = W2 X' [between, anchors]; Frobenius norm 1.

    Source: HuRef, arXiv 2312.04828.
    """
    product = left.T @ right
    return unit_rows(product.reshape(1, -1)).reshape(product.shape)


def spectrum(left: NDArray[np.float64], right: NDArray[np.float64], count: int) -> NDArray[np.float32]:
    """The ``count`` largest singular values of W1' W2, W1 and W2 [between, width], over the largest; shape [count].

    Zeros where there are fewer, or where an entry is not finite. Source: GhostSpec, arXiv 2511.06390.
    """
    found = np.zeros(count, dtype=np.float32)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return found
    width = left.shape[1]
    if width <= max(_DENSE, 2 * count):
        values = np.linalg.svd(left.T @ right, compute_uv=False)[:count]
    else:
        values = _largest(left, right, count)
    if values.size and values[0] > 0:
        found[: len(values)] = values / values[0]
    return found


def _largest(left: NDArray[np.float64], right: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    from scipy.sparse.linalg import LinearOperator, svds

    width = left.shape[1]
    operator = LinearOperator(
        (width, width),
        matvec=lambda x: left.T @ (right @ x),
        rmatvec=lambda x: right.T @ (left @ x),
        dtype=np.float64,
    )
    start = projection(width, 1)[:, 0]  # fixed: the same values on every run
    values = svds(operator, k=count, v0=start, return_singular_vectors=False)
    return np.sort(np.asarray(values, dtype=np.float64))[::-1]
