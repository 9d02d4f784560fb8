"""What a test returns: a union by the kind of null distribution, with the facts that a p-value rests on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import Phrase, Record, later
from .words import Words

Law = Literal["fixed_points", "signs"]
Part = str
"""What is counted, such as ``hidden units``."""
SetAside = str
"""What a test left out, p = 1, because both models break the symmetry that it rests on: a part, ``signs of`` a part,
or ``signs``."""


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


class DesignRank(Record):
    """The rank of a score among the comparisons of one design."""

    design: str
    """``pair``, ``row_a``, ``row_b``, ``stratum``, ``two_strata`` or ``family``; ``_residual`` where hub effects were
    taken out, ``_larger`` for the larger of the ranks with and without them."""
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
    """One test of one null hypothesis, applicable or not; what every kind of result has."""

    __test__ = False  # not for pytest

    id: str
    version: int
    applicable: bool
    reason: Phrase | None = None
    """Why the test does not apply; None where it does."""
    notes: tuple[Phrase, ...] = ()
    """What was left out, set aside or tied."""
    log10_p: float | None = None
    adjusted_log10_p: float | None = None
    """Holm-adjusted over the applicable tests of the report."""
    attainable_log10_p: float | None = None
    """The smallest value the test could have given."""
    words: Words | None = later()
    """Of a statistic that is not in the registry of the library: its own words."""


class ExactResult(TestResult):
    """Counts whose null law is known, or bounded, by a symmetry."""

    kind: Literal["exact"] = "exact"
    method: Literal["bound", "exact"] | None = None
    set_aside: tuple[SetAside, ...] = ()
    """What does not count, because both models visibly break its symmetry."""
    counts: tuple[Count, ...] = ()
    """More than one where a test counts twice; its p-value is then the smallest one times their number."""
    statistic: int | None = None
    """The count with the smallest p-value."""
    expected: float | None = None
    """The same count expected by chance (for fixed points, an upper bound)."""
    effect: EffectSize | None = None
    detectable_share: float | None = None
    """With 95% power the report's level is reached if each live index is kept with at least this
    probability (for signs: if each sign agrees with it); None where no share suffices."""
    by_layer: tuple[LayerResult, ...] = ()

    @property
    def counts_fixed_points(self) -> bool:
        """Whether indices are counted that kept their place: what a statement of power speaks of."""
        return any(count.law == "fixed_points" for count in self.counts)


class PanelResult(TestResult):
    """The rank of a similarity among those of a panel of unrelated models."""

    kind: Literal["panel"] = "panel"
    score: float | None = None
    """The similarity of A and B."""
    ranks: tuple[DesignRank, ...] = ()
    """The ranks by design; ``log10_p`` is that of the design fixed in advance."""
    scores: tuple[float, ...] = ()
    """Of the primary similarity: scores of all pairs of A, B and the members used, in the order (A, B), (A, first
    member), ..., (B, first member), ...: what every rank follows from."""
    by_cell: tuple[CellResult, ...] = ()
    grid: tuple[tuple[float, ...], ...] = ()
    """Of the primary similarity: share of agreeing units of every layer of A (rows) with every layer of B."""


class ScoreResult(TestResult):
    """A score calibrated by reference scores: p = (1 + exceedances) / (n + 1)."""

    kind: Literal["score"] = "score"
    score: float | None = None
    calibration: str = ""
    """Name of the reference scores."""
    n: int = Field(default=0, ge=0)
    """Number of reference scores."""
    exceedances: int = Field(default=0, ge=0)
    """Reference scores that are at least the score."""


class EstimateResult(TestResult):
    """An estimate with its confidence interval."""

    kind: Literal["estimate"] = "estimate"
    quantity: str = ""
    """What is estimated."""
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float | None = Field(default=None, gt=0, lt=1)
    """Coverage of the interval."""


Result = Annotated[ExactResult | PanelResult | ScoreResult | EstimateResult, Field(discriminator="kind")]
"""One result of any kind, told apart by ``kind``."""
