"""Correlation of the standard deviations of attention weights over layers: a disputed statistic.

Statistic: for each of q, k, v, o, the unbiased standard deviation of all entries of a layer's matrix
(no biases) is a curve over layers; where depths differ the shorter curve is linearly interpolated to
the longer; the score is the mean of the four Pearson correlations. A correlation that does not exist
(a constant curve) counts as 0: that is the published rule.

It is cheap, and it measures the recipe: models trained by one recipe from different seeds have nearly the same
curves, while long continued training changes a child's curve from its parent's. It is included because a public claim
rests on it, which should be compared with its null distribution.

Unchanged by any order and sign of hidden units and by the order of heads. Changed by a rotated
stream (which folds norm gains into the matrices), by the order of layers, and, slightly, by sign
flips of value channels, which move the mean of an entry.

Source: arXiv 2507.03014, as re-implemented in LeaFBench (arXiv 2508.19843).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base import Phrase, StatisticsError
from ..fingerprint import Fingerprint
from .applicability import first, present
from .similarity import Similarity

_ROLES = "qkvo"
_LEAST_LAYERS = 3  # with two points every correlation is 1 or -1


def curve_correlation(x: ArrayLike, y: ArrayLike, *, ranks: bool = False) -> float:
    """Correlation of two curves over layers, the shorter one interpolated to the length of the longer.

    Parameters
    ----------
    x, y : finite numbers, one per layer, at least two; lengths may differ.
    ranks : correlate ranks (Spearman) in place of values (Pearson), so that extreme values of the
        first and last layers do not decide alone.

    Returns
    -------
    float
        Between -1 and 1; 0 where a curve is constant, as in the published rule.

    Raises
    ------
    StatisticsError
        If a curve is not a list of at least two finite numbers.

    Examples
    --------
    >>> curve_correlation([1, 2, 3, 5], [2, 4, 6, 10])
    1.0
    >>> round(curve_correlation([1, 2, 9], [1, 1.5, 2, 2.5, 3], ranks=True), 3)
    1.0
    """
    curves = [_curve(x), _curve(y)]
    layers = max(len(curve) for curve in curves)
    u, v = (_deviations(_interpolated(curve, layers), ranks) for curve in curves)
    norms = np.sqrt(u @ u) * np.sqrt(v @ v)
    return float(np.clip((u @ v) / norms, -1.0, 1.0)) if norms > 0 else 0.0


def _curve(x: ArrayLike) -> NDArray[np.float64]:
    curve = np.asarray(x, dtype=np.float64)
    if curve.ndim != 1 or len(curve) < 2 or not np.isfinite(curve).all():
        raise StatisticsError(f"A curve has shape {curve.shape}; expected a list of at least two finite numbers.")
    return curve


def _interpolated(curve: NDArray[np.float64], layers: int) -> NDArray[np.float64]:
    if len(curve) == layers:
        return curve
    longer: NDArray[np.float64] = np.interp(np.linspace(0, 1, layers), np.linspace(0, 1, len(curve)), curve)
    return longer


def _deviations(curve: NDArray[np.float64], ranks: bool) -> NDArray[np.float64]:
    """Deviations from the mean, over the largest; zeros for a constant curve, whatever its mean rounds to."""
    if ranks:
        from scipy.stats import rankdata

        curve = rankdata(curve)
    if curve.max() == curve.min():
        return np.zeros_like(curve)
    less = curve - curve.mean()
    scaled: NDArray[np.float64] = less / np.abs(less).max()
    return scaled


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(present(*(f"spread.{role}" for role in _ROLES))(a, b), _refuse_one("A", a), _refuse_one("B", b))


def _refuse_one(side: str, model: Fingerprint) -> Phrase | None:
    shape = model.record.architecture
    if shape.layers < _LEAST_LAYERS:
        return Phrase.of("few_layers", model=side, layers=shape.layers, least=_LEAST_LAYERS)
    for role in _ROLES:
        if not np.isfinite(_sd(model, role)).all():
            return Phrase.of("no_finite_spread", model=side, role=role)
    return None


def _score(a: Fingerprint, b: Fingerprint) -> float:
    return float(np.mean([curve_correlation(_sd(a, role), _sd(b, role)) for role in _ROLES]))


def _sd(model: Fingerprint, role: str) -> NDArray[np.float64]:
    """Unbiased standard deviation by layer; empty where the role is absent."""
    table = model.arrays.get(f"spread.{role}", np.empty((0, 4)))
    return table[:, 1].astype(np.float64)


SPREAD_CORRELATION = Similarity(
    id="spread_correlation",
    version=1,
    title="Correlation over layers of the spread of attention weights",
    source="arXiv 2507.03014",
    measures=(
        "The mean over q, k, v, o of the Pearson correlation, over layers, of the standard deviation of all entries."
    ),
    invariances=frozenset({"unit_permutation", "unit_signs", "unit_scaling", "head_permutation"}),
    cost="O(layers): four curves.",
    refuse=_refuse,
    score=_score,
)
