"""The class of exact tests: functions of two fingerprints, one object per file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log10

from ..base import Phrase, StatisticsError
from ..fingerprint import EFFORTS, Fingerprint, SketchSpec
from ..inference import bonferroni_min, detectable_agreement, detectable_share, log10_p_fixed_points, log10_p_signs
from .counted import Counted, Description
from .evidence import Evidence, identity_evidence
from .result import Count, ExactResult
from .smallest import holds, smallest
from .words import Words

__all__ = ["Evidence", "Statistic", "exact_results", "identity_evidence"]


@dataclass(frozen=True)
class Statistic:
    """An exact test of lineage.

    Parameters
    ----------
    id, version, title : names; the version changes whenever a result could.
    null : the null hypothesis in words.
    assumptions : sentences on training, under which the p-value is valid.
    survives, blind_to : changes of a model that the test does and does not detect through, in words.
    refuse : returns the reason why the test does not apply to two models, or None; computes no score. Text is quoted
        unchanged.
    run : returns the evidence on two models to which the test applies.
    counts : describes what is counted on two models, from their records alone. By default this is found out on the
        smallest models with their architectures (``smallest``), and the first stage of a screen does not use the
        test.
    localised : whether rows by layer add up to the count; used only with ``counts``.
    group : what the null hypothesis permutes (or flips), in words.
    compares : what is compared, in a word or two; by default the id.
    """

    id: str
    version: int
    title: str
    null: str
    assumptions: tuple[str, ...]
    survives: str
    blind_to: str
    refuse: Callable[[Fingerprint, Fingerprint], Phrase | str | None]
    run: Callable[[Fingerprint, Fingerprint], Evidence]
    counts: Callable[[Fingerprint, Fingerprint], tuple[Counted, ...]] | None = None
    localised: bool = True
    group: str = ""
    compares: str = ""

    def __call__(self, a: Fingerprint, b: Fingerprint, *, log10_alpha: float = -3.0) -> ExactResult:
        """Test A against B; ``log10_alpha`` is only for the statement of power."""
        return self.unless(self.refusal(a, b), a, b, log10_alpha)

    def unless(self, reason: Phrase | None, a: Fingerprint, b: Fingerprint, log10_alpha: float) -> ExactResult:
        """Test A against B, unless there is a reason (:meth:`refusal`) why the test does not apply.

        Parameters
        ----------
        reason : why it does not; None if it does.
        a, b : the models.
        log10_alpha : level of the one test.
        """
        return self.refused(reason) if reason is not None else self.conclude(self.run(a, b), log10_alpha)

    @property
    def words(self) -> Words:
        """Its sentences."""
        return Words(
            title=self.title,
            null=self.null,
            assumptions=self.assumptions,
            survives=self.survives,
            blind_to=self.blind_to,
        )

    def refusal(self, a: Fingerprint, b: Fingerprint) -> Phrase | None:
        """Why the test does not apply, or None; only records are read, so fingerprints need no arrays."""
        reason = self.refuse(a, b)
        if reason is not None:
            return Phrase.quoted(reason) if isinstance(reason, str) else reason
        return None if self.describe(a, b).counted else _not_held(a, b)

    def describe(self, a: Fingerprint, b: Fingerprint) -> Description:
        """What is counted on two models that are not refused; only records are read."""
        if self.counts is None:
            found = self._run_on(*smallest(a.record, b.record))
            counts = (Counted(c.law, c.part, left_out=None if c.n else _not_held(a, b)) for c in found.counts)
            return Description(tuple(counts), bool(found.by_layer))
        return Description(tuple(_if_held(one, a, b) for one in self.counts(a, b)), self.localised)

    def _run_on(self, a: Fingerprint, b: Fingerprint) -> Evidence:
        try:
            return self.run(a, b)
        except Exception as error:  # of a statistic of somebody's own
            raise StatisticsError(
                f"{self.id} fails on the smallest models of these kinds ({error!r:.80}); give its `counts`, which "
                "say what it counts."
            ) from error

    def refused(self, reason: Phrase | str) -> ExactResult:
        """The result where the test does not apply."""
        because = Phrase.quoted(reason) if isinstance(reason, str) else reason
        return ExactResult(id=self.id, version=self.version, applicable=False, reason=because)

    def conclude(self, evidence: Evidence, log10_alpha: float) -> ExactResult:
        """The result that follows from the evidence alone."""
        if not evidence.counts:
            raise StatisticsError(f"{self.id} gives no count; give at least one, which may be of nothing.")
        best = min(evidence.counts, key=lambda count: count.log10_p)
        most = [_attainable(count) for count in evidence.counts]
        return ExactResult(
            id=self.id,
            version=self.version,
            applicable=True,
            notes=evidence.notes,
            set_aside=evidence.set_aside,
            method="exact" if all(count.law == "signs" for count in evidence.counts) else "bound",
            counts=evidence.counts,
            statistic=best.count,
            expected=best.n / 2 if best.law == "signs" else float(best.groups),
            log10_p=evidence.log10_p,
            attainable_log10_p=bonferroni_min(most),
            effect=evidence.effect,
            detectable_share=detectable(evidence.counts, log10_alpha),
            by_layer=evidence.by_layer,
            places=evidence.places if all(count.law == "fixed_points" for count in evidence.counts) else None,
        )


def exact_results(
    tests: Sequence[Statistic], a: Fingerprint, b: Fingerprint, *, log10_alpha: float = -3.0
) -> list[ExactResult]:
    """Run exact tests on two fingerprints; results of tests outside the library's registry carry their own words.

    Parameters
    ----------
    tests : exact tests, the library's or a user's own.
    a, b : fingerprints of one effort and sketch.
    log10_alpha : log10 of the level of one test; enters statements of power alone.
    """
    from . import EXACT_TESTS  # here, since the registry imports this file

    results = [(test, test(a, b, log10_alpha=log10_alpha)) for test in tests]
    return [
        result if test in EXACT_TESTS else result.model_copy(update={"words": test.words}) for test, result in results
    ]


def detectable(counts: Sequence[Count], log10_alpha: float) -> float | None:
    """Smallest share of live indices (of signs that agree) with which a test reaches a level with 95% power.

    Parameters
    ----------
    counts : counts of the test, which share its level.
    log10_alpha : log10 of its level.

    Returns
    -------
    float or None
        The smallest over the counts; None if no share suffices.
    """
    of_one = log10_alpha - log10(len(counts))
    shares = [share for count in counts if (share := _detectable(count, of_one)) is not None]
    return min(shares, default=None)


def _if_held(one: Counted, a: Fingerprint, b: Fingerprint) -> Counted:
    """The count, marked as excluded if the arrays that it reads are absent."""
    readers = [source.read for source in one.sources]
    held = any(holds(read, a.record) and holds(read, b.record) for read in readers)
    held = held or one.left_out is not None or not readers
    return one if held else one._replace(left_out=_not_held(a, b))


def _not_held(a: Fingerprint, b: Fingerprint) -> Phrase:
    version = min(model.record.sketch.version for model in (a, b))
    if version < SketchSpec().version:
        return Phrase.of("older_sketch", version=version)
    effort = min((model.record.effort for model in (a, b)), key=EFFORTS.index)
    return Phrase.of("not_held", effort=effort)


def _attainable(count: Count) -> float:
    if count.law == "signs":
        return log10_p_signs(count.n, count.n)
    return log10_p_fixed_points(_able(count), count.groups) if count.groups else 0.0


def _detectable(count: Count, log10_alpha: float) -> float | None:
    if count.law == "signs":
        return detectable_agreement(count.n, log10_alpha)
    return detectable_share(_able(count), count.groups, log10_alpha) if count.groups else None


def _able(count: Count) -> int:
    """Indices that can match."""
    return count.n if count.live is None else count.live
