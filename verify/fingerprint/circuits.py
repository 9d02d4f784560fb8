"""Products of two weight matrices (circuits): their values on the anchors, and their singular values.

Neither depends on order, sign or basis of the channels in between, nor on a rotation of the residual stream (norm
gains folded in).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sketch import projection, unit_rows

_DENSE = 512  # width up to which the whole decomposition is cheaper than a partial one
_STEPS = 32  # blocks of vectors at most
_SETTLED = 1e-5  # change of values, over the largest, that ends the iteration; the error is far smaller


def circuit(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float16]:
    """X W1' W2 X' for the images ``left`` = W1 X', ``right`` = W2 X' [between, anchors]; Frobenius norm 1.

    Source: HuRef, arXiv 2312.04828.
    """
    product = left.T @ right
    return unit_rows(product.reshape(1, -1)).reshape(product.shape)


def spectrum(left: NDArray[np.floating], right: NDArray[np.floating], count: int) -> NDArray[np.float32]:
    """The ``count`` largest singular values of W1' W2, divided by the largest.

    Padded with zeros; all zeros if an entry is not finite. Wide products are computed in float32, to 1e-5 of the
    largest. Source: GhostSpec, arXiv 2511.06390.

    Parameters
    ----------
    left : W1, shape [between, width].
    right : W2, shape [between, width].
    count : number of singular values to keep.

    Returns
    -------
    array
        float32, shape [count], descending, the first 1.
    """
    found = np.zeros(count, dtype=np.float32)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return found
    width = left.shape[1]
    if width <= max(_DENSE, 2 * count):
        values = np.linalg.svd(left.astype(np.float64).T @ right.astype(np.float64), compute_uv=False)[:count]
    else:
        values = _largest(left, right, count)
    if values.size and values[0] > 0:
        found[: len(values)] = values / values[0]
    return found


def _largest(left: NDArray[np.floating], right: NDArray[np.floating], count: int) -> NDArray[np.float64]:
    """Block Lanczos: M = W1' W2 on a growing orthonormal basis of the Krylov space of M'M, until values converge.

    All products are of float32 matrices with blocks of vectors, so each matrix is read once per block. Faster than
    ``scipy.sparse.linalg.svds`` at width 2,048. Source: Golub, Luk and Overton 1981; Musco and Musco 2015 (arXiv
    1504.05477) for the rate without any gap.
    """
    left, right = _scaled(left), _scaled(right)
    width = right.shape[1]
    most = min(width, _STEPS * 2 * count)
    basis = np.empty((width, most), dtype=np.float32)
    gram = np.zeros((most, most))
    images: list[NDArray[np.float64]] = []
    block = projection(width, 2 * count).astype(np.float32)  # fixed: the same values on every run
    values = np.zeros(count)
    for start in range(0, most, 2 * count):
        end = min(most, start + 2 * count)
        for _ in range(2):  # twice, for orthogonality in floating point
            block = np.linalg.qr(block - basis[:, :start] @ (basis[:, :start].T @ block))[0]
        basis[:, start:end] = block[:, : end - start]
        image = left.T @ (right @ basis[:, start:end])
        images.append(image.astype(np.float64))  # float64, since squares of values below 1e-4 would vanish in float32
        gram[:end, start:end] = np.concatenate([x.T @ images[-1] for x in images])
        gram[start:end, :end] = gram[:end, start:end].T
        before, values = values, np.sqrt(np.maximum(0, np.linalg.eigvalsh(gram[:end, :end])[::-1][:count]))
        if np.abs(values - before).max() <= _SETTLED * values[0]:
            break
        block = right.T @ (left @ image)
    return values


def _scaled(x: NDArray[np.floating]) -> NDArray[np.float32]:
    """Divided by the largest entry and in float32, so that no product overflows."""
    largest = max(float(x.max()), -float(x.min()))
    return (x / largest if largest > 0 else x).astype(np.float32, copy=False)
