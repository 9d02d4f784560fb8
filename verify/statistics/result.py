"""Results of tests: one class for each kind of null distribution, with the facts behind the p-value."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ..base import Phrase, Record, later
from ..base.card import Card, flat
from ..base.display import Drawn, Tabular
from ..wording import say
from ..wording.forms import probability
from .words import Words

MOST_INDICES = 1 << 21
"""Largest number of indices compared by one test, so that a record cannot ask for too much memory; a sketch of a
trillion parameters has fewer."""
MOST_PLACES = 512
"""Largest number of best matches that a result lists."""
Law = Literal["fixed_points", "signs"]
Part = str
"""What is counted, such as ``hidden units``."""
SetAside = str
"""What a test set aside (p = 1) because both models break its symmetry: a part, ``order of`` or ``signs of`` a
part, or ``signs``."""


class Count(Record):
    """One counted statistic and its p-value; the p-value is a function of the other fields."""

    law: Law
    """``fixed_points``: bound of ``verify.inference.fixed_points``; ``signs``: binomial(n, 1/2)."""
    count: int
    """Number of indices identified, or of signs that agree."""
    n: int
    """Number of indices compared; for signs, of pairs of indices with a non-zero number."""
    groups: int
    """Independent groups L (tied copies count once); for signs, unused and equal to n."""
    log10_p: float
    live: int | None = None
    """Number of the n indices that could have matched, being live in both models. None: all."""
    part: Part | None = None
    """What was counted, if a test counts its parts separately."""


class LayerResult(Record):
    """Localisation: one aligned pair of layers (for a tied set, its first pair)."""

    layer_a: int
    layer_b: int
    count: int
    n: int
    groups: int
    log10_p: float
    adjusted_log10_p: float
    """Holm-adjusted over the layers of this test."""
    live: int | None = None
    """Live indices, as in :class:`Count`."""


class Places(Record):
    """Where best matches stand, for a picture: no p-value follows from it.

    The indices compared are laid end to end, group by group in the order of their layers, and every ``step``-th of
    them is listed.
    """

    sizes: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    """Number of indices compared in each group."""
    step: int = Field(ge=1)
    best: tuple[int | None, ...] = Field(max_length=MOST_PLACES)
    """The place in its group of the unique best match of each listed index; None where it has none."""

    @property
    def listed(self) -> tuple[tuple[int, int, int | None], ...]:
        """Of each listed index: its group, its place in it, and the place of its match."""
        ends = list(accumulate(self.sizes))
        found = []
        for at, best in zip(range(0, ends[-1], self.step), self.best, strict=True):
            group = bisect_right(ends, at)
            found.append((group, at - ends[group] + self.sizes[group], best))
        return tuple(found)

    @model_validator(mode="after")
    def _every_step(self) -> Places:
        places = sum(self.sizes)
        if places > MOST_INDICES:
            raise ValueError(f"is of {places} places; give at most {MOST_INDICES}")
        if len(self.best) != len(range(0, places, self.step)):
            raise ValueError(f"lists {len(self.best)} of {places} places; give every {self.step}-th")
        if any(best is not None and not 0 <= best < self.sizes[group] for group, _, best in self.listed):
            raise ValueError("lists a match outside its group; give places that the group has")
        return self


class DesignRank(Record):
    """The rank of a score among the comparisons of one design."""

    design: str
    """``pair``, ``row_a``, ``row_b``, ``stratum``, ``two_strata``, ``family`` or ``twins``; ``_residual`` if hub
    effects were removed, ``_larger`` for the larger of the ranks with and without them.
    ``twins_and_pair_larger``: the one of these two with the larger p-value."""
    rank: int
    """Number of comparisons of the orbit whose score is at least the claim's, the claim included."""
    size: int
    """Number of comparisons in the orbit."""
    log10_p: float
    attainable_log10_p: float
    """log10 of one over the size of the orbit; of two rungs together, the larger of the two."""


class TwinScore(Record):
    """The score of one recipe's twins."""

    recipe: str
    score: float
    """Similarity of the two models."""
    above_levels: tuple[float, ...]
    """Its logarithm above the levels of the two models, as ranked: one for each number added to all scores."""


class CellResult(Record):
    """Localisation on the grid of layers: one pair of aligned layers, ranked by the largest cell anywhere."""

    layer_a: int
    layer_b: int
    share: float
    """Share of units on whose match the responses agree."""
    log10_p: float
    """Family-wise over all cells of the grid."""


class EffectSize(Record):
    """How strong the match is; none of it enters a p-value."""

    share: float
    """Identified indices over indices compared (each with those kept of its block only); or agreeing over non-zero
    signs."""
    cosine_identified: float | None = None
    """Median score of identified indices."""
    cosine_background: float | None = None
    """Median best score with any other index, the level of unrelated units."""


class TestResult(Tabular, Record):
    """Result of one test of one null hypothesis, applicable or not: the fields of every kind."""

    __test__ = False  # not for pytest

    id: str
    version: int
    applicable: bool
    reason: Phrase | None = None
    """Why the test does not apply; None where it does."""
    notes: tuple[Phrase, ...] = ()
    """Notes on exclusions, parts set aside, and ties."""
    log10_p: float | None = None
    adjusted_log10_p: float | None = None
    """Holm-adjusted over the applicable tests of the report."""
    attainable_log10_p: float | None = None
    """The smallest log10 p that the test could have given."""
    words: Words | None = later()
    """Words of a statistic that is not in the library's registry."""

    @property
    def in_short(self) -> str:
        """What was found, in a few words."""
        if not self.applicable:
            return "does not apply" if self.reason is None else f"does not apply: {say(self.reason)}"
        return "; ".join(filter(None, (self._found(), self._p())))

    def _found(self) -> str:
        return ""

    def _p(self) -> str:
        return "" if self.log10_p is None else probability(self.log10_p)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each number that was counted, ranked or estimated."""
        return [flat(self)]

    def _card(self) -> Card:
        from .earlier import words_of  # imports this file

        words = words_of(self)
        facts: list[tuple[str, object]] = [("test", self.id), ("found", self.in_short)]
        if self.log10_p is not None:
            adjusted = [] if self.adjusted_log10_p is None else [("adjusted", self.adjusted_log10_p)]
            facts += [
                ("log10 p", self.log10_p),
                *adjusted,
                ("smallest possible", self.attainable_log10_p),
                ("null hypothesis", words.null),
            ]
        return Card(words.title, tuple(facts), tuple(self.to_dicts()) if self.applicable else ())


class ExactResult(Drawn, TestResult):
    """Counts whose null distribution is known, or bounded, by a symmetry."""

    kind: Literal["exact"] = "exact"
    method: Literal["bound", "exact"] | None = None
    set_aside: tuple[SetAside, ...] = ()
    """Parts set aside because both models visibly break their symmetry."""
    counts: tuple[Count, ...] = ()
    """One or more counts; the p-value is the smallest one times their number (Bonferroni)."""
    statistic: int | None = None
    """The count with the smallest p-value."""
    expected: float | None = None
    """The same count expected by chance (for fixed points, an upper bound)."""
    effect: EffectSize | None = None
    detectable_share: float | None = None
    """Smallest probability of each live index keeping its place (for signs: of agreeing) with which the report's
    level is reached with 95% power; None if no share suffices."""
    by_layer: tuple[LayerResult, ...] = ()
    places: Places | None = later()
    """Where best matches stand, of the first test of a report that counts them."""

    @property
    def best(self) -> Count | None:
        """The count with the smallest p-value; None of a test that does not apply."""
        return min(self.counts, key=lambda count: count.log10_p, default=None)

    def _found(self) -> str:
        if (best := self.best) is None:
            return ""
        chance = best.n / 2 if best.law == "signs" else best.groups
        most = "" if best.law == "signs" else "at most "
        return f"{best.count} of {best.n}, expected by chance {most}{chance:g}"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each count."""
        return [flat(count) for count in self.counts]

    @property
    def counts_fixed_points(self) -> bool:
        """Whether fixed points are counted, which statements of power are about."""
        return any(count.law == "fixed_points" for count in self.counts)


class PanelResult(Drawn, TestResult):
    """The rank of a similarity among those of a panel of unrelated models."""

    kind: Literal["panel"] = "panel"
    score: float | None = None
    """The similarity of A and B."""
    ranks: tuple[DesignRank, ...] = ()
    """The ranks by design; ``log10_p`` is that of the design fixed in advance."""
    scores: tuple[float, ...] = ()
    """For the primary similarity, the scores of all pairs of A, B and the members used, in the order (A, B), (A,
    first member), ..., (B, first member), ...; every rank follows from them."""
    twins: tuple[TwinScore, ...] = later(())
    """For the primary similarity, the scores of the recipes ranked among."""
    by_cell: tuple[CellResult, ...] = ()
    grid: tuple[tuple[float, ...], ...] = ()
    """For the primary similarity, the share of agreeing units of every layer of A (rows) with every layer of B."""

    @property
    def rank(self) -> DesignRank | None:
        """The rank that gives the p-value; None of a statistic without ranks."""
        return next((entry for entry in self.ranks if entry.log10_p == self.log10_p), None)

    def _found(self) -> str:
        if self.score is None:
            return ""
        rank = "" if self.rank is None else f", rank {self.rank.rank} of {self.rank.size}"
        return f"score {self.score:.4g}{rank}"

    def _p(self) -> str:
        return ""  # conditional on the panel's assumptions, which a few words do not state

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each design: rank, size and p-values."""
        return [flat(entry) for entry in self.ranks]


class ScoreResult(TestResult):
    """A score calibrated by reference scores: p = (1 + exceedances) / (n + 1)."""

    kind: Literal["score"] = "score"
    score: float | None = None
    calibration: str = ""
    """Name of the reference scores."""
    n: int = Field(default=0, ge=0)
    """Number of reference scores."""
    exceedances: int = Field(default=0, ge=0)
    """Number of reference scores of at least the score."""

    def _found(self) -> str:
        return f"score {self.score:.4g}, reached by {self.exceedances} of {self.n}" if self.score is not None else ""


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

    def _found(self) -> str:
        if self.estimate is None:
            return ""
        interval = "" if self.low is None or self.high is None else f", from {self.low:.4g} to {self.high:.4g}"
        return f"{self.quantity or 'estimate'} {self.estimate:.4g}{interval}"


Result = Annotated[ExactResult | PanelResult | ScoreResult | EstimateResult, Field(discriminator="kind")]
"""One result of any kind, told apart by ``kind``."""
