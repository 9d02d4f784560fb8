"""What a test returns: counts with their null laws, effect size, power, localisation."""

from __future__ import annotations

from typing import Literal

from ..base import Record

Law = Literal["fixed_points", "signs"]
Part = Literal["hidden units", "value channels"]
SetAside = Literal["hidden units", "value channels", "signs of hidden units", "signs of value channels", "signs"]
"""What a test left out, p = 1, because both models break the symmetry that it rests on."""


class Count(Record):
    """One counted statistic and its p-value; the p-value is a function of the other fields."""

    law: Law
    """``fixed_points``: bound of ``verify.inference.fixed_points``; ``signs``: binomial(n, 1/2)."""
    count: int
    """Indices identified, or signs that agree."""
    n: int
    """Indices compared; for signs, pairs of indices whose number is not zero."""
    groups: int
    """Independent groups L (tied copies count once); for signs, unused and equal to n."""
    log10_p: float
    live: int | None = None
    """Of n, indices that could have matched: those with a direction in both models. None: all."""
    part: Part | None = None
    """What was counted, where a test counts its parts apart."""


class LayerResult(Record):
    """Localisation: one aligned pair of layers (a tied set names its first pair)."""

    layer_a: int
    layer_b: int
    count: int
    n: int
    groups: int
    log10_p: float
    adjusted_log10_p: float
    """Holm-adjusted over the layers of this test."""
    live: int | None = None
    """As of :class:`Count`."""


class Rung(Record):
    """The rank of a score among the comparisons of one design, with its null hypothesis."""

    design: str
    """``pair``, ``row_a``, ``row_b``, ``stratum``, ``two_strata`` or ``family``; ``_residual`` where hub effects were
    taken out, ``_larger`` for the larger of the ranks with and without them."""
    null: str
    rank: int
    """Comparisons of the orbit whose score is at least the claim's, the claim included."""
    size: int
    """Comparisons in the orbit."""
    log10_p: float
    attainable_log10_p: float
    """Of the orbit: log10 of one over its size."""


class CellResult(Record):
    """Localisation on the grid of layers: one pair of aligned layers, judged by the largest cell anywhere."""

    layer_a: int
    layer_b: int
    share: float
    """Share of units on whose match the responses agree."""
    log10_p: float
    """Family-wise over all cells of the grid."""


class EffectSize(Record):
    """How strong the match is; none of it enters a p-value."""

    share: float
    """Identified indices over indices compared, each against those kept of its block only; or agreeing over
    non-zero signs."""
    cosine_identified: float | None = None
    """Median score of identified indices."""
    cosine_background: float | None = None
    """Median best score with any other index: what unrelated units reach."""


class TestResult(Record):
    """One test of one null hypothesis, applicable or not."""

    __test__ = False  # not for pytest

    id: str
    version: int
    title: str
    applicable: bool
    reason: str | None = None
    """Why the test does not apply; None where it does."""
    null: str
    """The null hypothesis in words."""
    assumptions: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What was left out or tied, in sentences."""
    set_aside: tuple[SetAside, ...] = ()
    """Parts whose symmetry both models visibly break; they do not count."""
    method: Literal["bound", "exact", "panel"] | None = None
    counts: tuple[Count, ...] = ()
    """More than one where a test looks twice; the p-value then pays for it."""
    statistic: int | None = None
    """The count with the smallest p-value."""
    expected: float | None = None
    """The same count expected by chance (for fixed points, at most)."""
    log10_p: float | None = None
    adjusted_log10_p: float | None = None
    """Holm-adjusted over the applicable tests of the report."""
    attainable_log10_p: float | None = None
    """The smallest value the test could have given, by the indices that are live in both models."""
    effect: EffectSize | None = None
    detectable_share: float | None = None
    """With 95% power the report's level is reached if each live index is kept with at least this
    probability (for signs: if each sign agrees with it); None where no share suffices."""
    by_layer: tuple[LayerResult, ...] = ()
    score: float | None = None
    """Panel tests: the similarity of A and B."""
    rungs: tuple[Rung, ...] = ()
    """Panel tests: the ladder of designs; ``log10_p`` is that of the rung fixed in advance."""
    scores: tuple[float, ...] = ()
    """Primary panel test: scores of all pairs of A, B and the members used, in the order (A, B), (A, first member),
    ..., (B, first member), ...: what every rank follows from."""
    by_cell: tuple[CellResult, ...] = ()
    grid: tuple[tuple[float, ...], ...] = ()
    """Primary panel test: share of agreeing units of every layer of A (rows) with every layer of B."""
