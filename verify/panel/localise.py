"""Localise agreement on the grid of layers of A and B, family-wise over the whole grid.

Every comparison of the orbit has a grid of shares, one cell for each pair of layers. Cells differ in distribution: in
the first layers unrelated models agree far above chance. So each cell is standardised by mean and standard deviation
of all cells of all comparisons at the same relative depths, a rule that treats all models alike. The p-value of a
cell of the claim is the rank of its value among the *largest* cell of every comparison.

Validity. The largest standardised cell of a comparison is an equivariant statistic of the pair design, so its rank
gives a super-uniform p (``inference.orbit``); every other cell of the claim is no larger, so the chance that any cell
of an unrelated pair gets p <= u is at most u. If the pair is related in some layers, nothing is guaranteed for the
others.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..inference import orbit_rank
from ..statistics import CellResult, ResponseGrid

DEPTHS = 4
"""Classes of relative depth; cells of equal classes are standardised together."""
CLASSES = DEPTHS**2


def summarise(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number, sum, sum of squares and largest of the cells of each class of depths, shape [classes, 4]."""
    values, labels = shares.ravel(), _classes(*shares.shape).ravel()
    largest = np.full(CLASSES, -np.inf)
    np.maximum.at(largest, labels, values)
    sums = [np.bincount(labels, x, CLASSES) for x in (np.ones_like(values), values, values * values)]
    return np.stack([*sums, largest], axis=1)


def localise(claim: ResponseGrid, grids: NDArray[np.float64]) -> tuple[CellResult, ...]:
    """p-values of the aligned layers of the claim, models 0 and 1, among all pairs of models.

    Parameters
    ----------
    claim : the grid of A and B.
    grids : shape [n, n, classes, 4], symmetric; ``summarise`` of every pair.
    """
    first, second = np.triu_indices(len(grids), 1)
    orbit = grids[first, second]
    count, total, square = orbit[:, :, :3].sum(0).T
    mean = total / np.maximum(count, 1)
    spread = np.sqrt(np.maximum(square / np.maximum(count, 1) - mean * mean, 0))
    spread = np.where(spread > 1e-9, spread, 1.0)
    largest = ((orbit[:, :, 3] - mean) / spread).max(1)
    classes = _classes(*claim.shares.shape)
    results = []
    for layer_a, layer_b, _ in claim.pairs:
        i, j = claim.layers_a.index(layer_a), claim.layers_b.index(layer_b)
        label = classes[i, j]
        largest[0] = (claim.shares[i, j] - mean[label]) / spread[label]
        results.append(
            CellResult(
                layer_a=layer_a,
                layer_b=layer_b,
                share=float(claim.shares[i, j]),
                log10_p=orbit_rank(largest, 0, error=1e-9).log10_p,
            )
        )
    return tuple(sorted(results, key=lambda cell: (cell.layer_a, cell.layer_b)))


def _classes(rows: int, columns: int) -> NDArray[np.intp]:
    """Class of each cell by the relative depths of its layers, symmetric in the two models."""
    a, b = (np.arange(n) * DEPTHS // n for n in (rows, columns))
    classes: NDArray[np.intp] = np.minimum.outer(a, b) * DEPTHS + np.maximum.outer(a, b)
    return classes
