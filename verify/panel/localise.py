"""Where two models agree on the grid of layers, family-wise over the whole grid.

Every comparison of the orbit has a grid of shares, one cell for each pair of layers. Cells are not alike: in the
first layers strangers agree far above chance. So each cell is standardised by the mean and spread of all cells of
all comparisons at the same relative depths, a rule that treats every model alike. The p-value of a cell of the claim
is the rank of its value among the *largest* cell of every comparison.

Validity. The largest standardised cell of a comparison is an equivariant statistic of the pair design, so its rank
gives a super-uniform p (``inference.orbit``); every other cell of the claim is no larger, so the chance that any cell
of an unrelated pair gets p <= u is at most u.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..base import Progress, silent
from ..fingerprint import Fingerprint
from ..inference import orbit_rank
from ..statistics import CellResult
from ..statistics.response_match import response_grid

DEPTHS = 4
"""Classes of relative depth; cells of equal classes are standardised together."""


def localise(models: list[Fingerprint], progress: Progress = silent) -> tuple[CellResult, ...]:
    """Judge the aligned layers of the first two models among all pairs of models, on one token list."""
    pairs = list(combinations(range(len(models)), 2))
    grids = []
    for n, (i, j) in enumerate(pairs, start=1):
        grids.append(response_grid(models[i], models[j]))
        progress("localisation", n, len(pairs))
    classes = [_classes(*grid.shares.shape) for grid in grids]
    z = _standardised([grid.shares for grid in grids], classes)
    largest = np.array([cells.max() for cells in z])
    claim = grids[0]
    results = []
    for layer_a, layer_b, _ in claim.pairs:
        i, j = claim.layers_a.index(layer_a), claim.layers_b.index(layer_b)
        largest[0] = z[0][i, j]
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
    """Class of each cell by the relative depths of its layers, whichever model is called first."""
    a, b = (np.arange(n) * DEPTHS // n for n in (rows, columns))
    low, high = np.minimum.outer(a, b), np.maximum.outer(a, b)
    classes: NDArray[np.intp] = low * DEPTHS + high
    return classes


def _standardised(tables: list[NDArray[np.float64]], classes: list[NDArray[np.intp]]) -> list[NDArray[np.float64]]:
    values, labels = (np.concatenate([x.ravel() for x in parts]) for parts in (tables, classes))
    count = np.bincount(labels, minlength=DEPTHS**2)
    safe = np.maximum(count, 1)
    mean = np.bincount(labels, values, DEPTHS**2) / safe
    spread = np.sqrt(np.bincount(labels, (values - mean[labels]) ** 2, DEPTHS**2) / safe)
    spread = np.where(spread > 0, spread, 1.0)
    return [(table - mean[label]) / spread[label] for table, label in zip(tables, classes, strict=True)]
