"""Distance of the singular values of attention circuits, layer by layer.

Statistic: the singular values of Wq' Wk and of Wv' Wo' of a layer, norm gains folded in, over the
largest. The distance of two layers is the mean over the two of the Euclidean distance; layers are
aligned in order by dynamic time warping, so that one layer may stand for several; the score is minus
the mean distance along the path of smallest total (of such paths, the longest).

Spectra do not depend on order, sign or basis of channels, heads or the residual stream, and need no tokens. They
distinguish little: unrelated models of one recipe have similar spectra. Changed by the order of layers.

Source: GhostSpec (arXiv 2511.06390).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base import Phrase
from ..fingerprint import Fingerprint
from .similarity import INVARIANCES, Similarity


def warped_mean(distances: ArrayLike) -> float:
    """Mean of a table of distances [m, n] along the monotone path of smallest total.

    The path starts at (0, 0), ends at (m-1, n-1) and moves by one row, one column or both; of paths
    with equal totals the longest counts. Transposing the table leaves the mean, to the last bit.

    Examples
    --------
    >>> warped_mean([[0, 1, 1], [1, 0, 0]])  # the second row stands for both last columns
    0.0
    """
    table = np.asarray(distances, dtype=np.float64)
    best: dict[tuple[int, int], tuple[float, int]] = {(-1, -1): (0.0, 0)}
    for (i, j), distance in np.ndenumerate(table):
        before = (best[x] for x in ((i - 1, j - 1), (i - 1, j), (i, j - 1)) if x in best)
        total, steps = min(before)
        best[i, j] = (total + float(distance), steps - 1)  # negative length, so that min prefers longer paths
    total, steps = best[table.shape[0] - 1, table.shape[1] - 1]
    return total / -steps


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    lacking = (side for side, model in (("A", a), ("B", b)) if not _layers(model))
    return next((Phrase.of("no_spectra", model=side) for side in lacking), None)


def _score(a: Fingerprint, b: Fingerprint) -> float:
    parts = [(_spectra(a, circuit), _spectra(b, circuit)) for circuit in ("qk", "vo")]
    distances = [np.sqrt(np.square(x[:, None] - y[None]).sum(-1)) for x, y in parts]
    return 0.0 - warped_mean((distances[0] + distances[1]) / 2)


def _layers(model: Fingerprint) -> list[int]:
    layers = range(model.record.architecture.layers)
    return [i for i in layers if f"spectrum.{i}.qk" in model.arrays and f"spectrum.{i}.vo" in model.arrays]


def _spectra(model: Fingerprint, circuit: str) -> NDArray[np.float64]:
    """Spectra by layer, shape [layers, values]; NaN if the weights were zero or not finite."""
    spectra = np.stack([model.arrays[f"spectrum.{i}.{circuit}"] for i in _layers(model)]).astype(np.float64)
    spectra[~spectra.any(1)] = np.nan
    return spectra


SPECTRAL_DISTANCE = Similarity(
    id="spectral_distance",
    version=1,
    title="Singular values of attention circuits",
    source="arXiv 2511.06390",
    measures="Minus the mean distance of normalised singular spectra of attention circuits along the best warping.",
    invariances=INVARIANCES - {"layer_order"},
    cost="O(layers^2): one distance of two short vectors per pair of layers.",
    refuse=_refuse,
    score=_score,
)
