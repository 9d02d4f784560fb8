"""Lines of evidence: a question, its assumptions and its results; and the verdict on all lines.

A verdict is a function of the lines alone, by levels fixed before anything was seen. Under the assumptions of the
line "exact", the chance of ``dependent`` for strangers is at most its level; under those of "panel", the chance of
``similar_beyond_panel`` is at most its level. A line of another name enters no verdict, whatever it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, log10
from typing import Any, Literal, TypeVar

from pydantic import Field

from .. import statistics
from ..base import Phrase, Record
from ..base.card import Card
from ..base.display import Tabular
from ..inference import bonferroni_min, holm
from ..panel import PRIMARY_DESIGN, PanelEvidence
from ..statistics import (
    ExactResult,
    PanelResult,
    Result,
    Results,
    ScoreResult,
    TestResult,
)

Verdict = Literal["identical", "dependent", "similar_beyond_panel", "no_evidence", "untestable"]

R = TypeVar("R", bound=TestResult)

EXACT, PANEL = RESERVED = "exact", "panel"
"""Names of the lines that the library makes."""
_ESTABLISHES: dict[str, Verdict] = {EXACT: "dependent", PANEL: "similar_beyond_panel"}
"""The verdict of a line that rejects, the strongest line first."""


class EvidenceLine(Tabular, Record):
    """One line of evidence."""

    line: str = Field(pattern="^[a-z][a-z0-9_]{0,39}$")
    """``exact``, ``panel``, or the name of a user's own line."""
    asked: Phrase
    """Code of the question; the catalogue has both propositions."""
    assumes: tuple[Phrase, ...]
    """Assumptions under which its p-value is valid."""
    alpha: float | None = Field(gt=0, lt=1)
    """Level, fixed in advance; None for a line that enters no verdict."""
    log10_p: float | None
    """log10 p of the line, corrected for the number of tests, parts, and pairs searched. None if no test applies, or
    the result cannot decide."""
    attainable_log10_p: float | None
    """The smallest log10 p that the line could have given, with the same corrections."""
    results: tuple[Result, ...]
    """Results of its tests, in the order of the registry."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each of its tests."""
        return Results(self.results).to_dicts()

    def _card(self) -> Card:
        facts: list[tuple[str, object]] = [
            ("log10 p", self.log10_p),
            ("smallest possible", self.attainable_log10_p),
            ("level", self.alpha),
        ]
        facts += [(result.id, result.in_short) for result in self.results]
        return Card(f"Line of evidence {self.line!r}", tuple(facts))

    @property
    def rejects(self) -> bool:
        """Whether its p-value is at most its level."""
        return _reaches(self.log10_p, self.alpha)

    @property
    def able(self) -> bool:
        """Whether it could have rejected."""
        return self.rejects or _reaches(self.attainable_log10_p, self.alpha)


def _reaches(log10_p: float | None, alpha: float | None) -> bool:
    """Whether a p-value is at most a level, but for rounding: 1/600 times 6 searched pairs is .01."""
    return log10_p is not None and alpha is not None and log10_p <= log10(alpha) + 1e-12


def not_ones_own(line: EvidenceLine) -> str | None:
    """Why a line cannot be of whoever asks for a report; None where it can.

    It has no level, since it enters no verdict; it asks in words of its own, and not in ours; and its results are not
    called like tests of the library.
    """
    if line.alpha is not None:
        return f"the line of evidence {line.line!r} has a level, and enters no verdict; leave alpha None"
    shown = (line.asked, *line.assumes, *(result.reason for result in line.results if result.reason is not None))
    if any(phrase.code != "quoted" or not isinstance(phrase.values.get("text"), str) for phrase in shown):
        return f"the line of evidence {line.line!r} speaks in the library's words; give Phrase.quoted(...)"
    said = f"the line of evidence {line.line!r}"
    least = -inf if line.attainable_log10_p is None else line.attainable_log10_p
    if line.log10_p is not None and not least <= line.log10_p <= 0:
        return f"{said} has log10 p {line.log10_p:g}; give one that it can attain, and at most 0"
    names = [result.id for result in line.results]
    if len(set(names)) < len(names):
        return f"{said} holds two results of one id; give each its own"
    for result in line.results:
        if isinstance(result, ScoreResult) and result.exceedances > result.n:
            return f"{said} has a score that {result.exceedances} of {result.n} references reach; give at most all"
    registered = {test.id for test in statistics.EXACT_TESTS} | {one.id for one in statistics.PANEL_STATISTICS}
    taken = registered & {result.id for result in line.results}
    if taken:
        return f"the line of evidence {line.line!r} holds {min(taken)!r}, a test of the library; give another id"
    return None


def decide(lines: Sequence[EvidenceLine]) -> Verdict:
    """The verdict on two models that do not hold the same weights.

    ``untestable`` if no line could have rejected, because no test applies or too few indices are live in both models;
    a p-value above the level is then uninformative.
    """
    by_name = {line.line: line for line in lines}
    known = [by_name[name] for name in _ESTABLISHES if name in by_name]
    rejecting = next((line for line in known if line.rejects), None)
    if rejecting is not None:
        return _ESTABLISHES[rejecting.line]
    return "no_evidence" if any(line.able for line in known) else "untestable"


def combine(results: Sequence[R]) -> tuple[tuple[R, ...], float | None]:
    """Holm-adjusted results, and log10 p of "no test's null hypothesis is false".

    The number of tests is the number that apply, which was fixed by the architectures alone.
    None where no test applies.
    """
    values = [result.log10_p for result in results if result.log10_p is not None]
    if not values:
        return tuple(results), None
    adjusted = iter(holm(values))
    combined = tuple(
        result if result.log10_p is None else result.model_copy(update={"adjusted_log10_p": next(adjusted)})
        for result in results
    )
    return combined, bonferroni_min(values)


def placed(results: Sequence[ExactResult], first: bool = True) -> list[ExactResult]:
    """Results that list places only in the first that has them, or in none: one picture is drawn."""
    kept = next((result.id for result in results if result.places is not None), None) if first else None
    return [
        result if result.places is None or result.id == kept else result.model_copy(update={"places": None})
        for result in results
    ]


def exact_line(
    results: Sequence[Result], log10_p: float | None, alpha: float, *, searched: int = 1, parts: int = 1
) -> EvidenceLine:
    """The line of the exact tests.

    Parameters
    ----------
    results : of every exact test.
    log10_p : of the line, corrected for tests, parts and search.
    alpha : its level.
    searched : pairs of models that were searched for this one.
    parts : pairs of parts that exact tests apply to; later steps of Holm's procedure have smaller factors, so
        ``log10_p`` may be below the smallest value of the first step.
    """
    return EvidenceLine(
        line=EXACT,
        asked=Phrase.of("shared_arrangement"),
        assumes=tuple(
            Phrase.of(f"assumption.{code}") for code in ("invariant_training", "not_arranged", "no_shared_tensors")
        ),
        alpha=alpha,
        log10_p=log10_p,
        attainable_log10_p=attainable(results, searched, parts),
        results=tuple(results),
    )


def panel_line(found: PanelEvidence, *, decisive: bool, searched: int = 1) -> EvidenceLine:
    """The line of the panel tests, of which the primary one alone decides.

    Its p-value is 1 if a stranger scores as high as A and B: a rule that only makes a verdict rarer.

    Parameters
    ----------
    found : ranks and scores of the panel tests.
    decisive : whether the panel holds enough recipes and members for a verdict; else ranks are recorded with the
        tests, and the line has no p-value.
    searched : pairs of models that were searched for this one.
    """
    primary: PanelResult | None = found.primary if decisive else None
    least = None if primary is None else primary.attainable_log10_p
    log10_p = None if primary is None else primary.log10_p
    if log10_p is not None and not found.use.beyond:
        log10_p = 0.0
    of_twins = found.use.primary_design == PRIMARY_DESIGN
    asked, assumed = (
        ("closer_than_twins", ("exchangeable_recipes", "exchangeable_members", "unrelated_twins"))
        if of_twins
        else ("closer_than_members", ("exchangeable", "no_affinity", "unrelated_members"))
    )
    return EvidenceLine(
        line=PANEL,
        asked=Phrase.of(asked),
        assumes=tuple(Phrase.of(f"assumption.{code}") for code in assumed),
        alpha=found.use.alpha,
        log10_p=None if log10_p is None else min(0.0, log10_p + log10(searched)),
        attainable_log10_p=None if least is None else min(0.0, least + log10(searched)),
        results=found.results,
    )


def attainable(results: Sequence[TestResult], searched: int, parts: int) -> float | None:
    """The smallest combined log10 p that the exact tests could have given for one of several pairs of parts.

    Parameters
    ----------
    results : results of the exact tests.
    searched : number of pairs of models that were searched.
    parts : number of pairs of parts that tests apply to.

    Returns
    -------
    float or None
        log10 p; None where no test applies.
    """
    able = [result.attainable_log10_p for result in results if result.attainable_log10_p is not None]
    return min(0.0, log10(len(able) * searched * max(1, parts)) + min(able)) if able else None
