"""The answer of a report in a few lines: what was found and counted, its chance, and what that does not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..base import Phrase
from ..checkpoint import STATED
from ..statistics import Count, ExactResult
from ..wording import LATEST, VERSIONS, said
from . import said as of_verdict
from . import said_of_parts as of_parts
from .evidence import EXACT, PANEL
from .said_of_change import change

if TYPE_CHECKING:
    from .report import ClaimReport

Phrases = tuple[Phrase, ...]
_REASONS = 2  # given in an answer


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The first lines of a report, in the words of its catalogue; a line without content is empty."""

    verdict: str
    """The identifier that the record has."""
    word: str
    """The verdict in capitals, such as ``RELATED``."""
    sentence: str
    """The verdict in a sentence, with what was found of other parts."""
    count: str
    """What was counted, beside what chance gives."""
    chance: str
    """The chance of as much between unrelated models, and the level."""
    does_not_show: str
    rests_on: str
    adapter: str = ""
    """Whether one model holds the change of the other, an adapter; empty for other models."""
    dates: str = ""
    """By when either model existed; empty where no dated evidence was given."""

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """The lines after the first, each with its label."""
        labelled = (
            ("Counted", self.count),
            ("Chance", self.chance),
            ("Does not show", self.does_not_show),
            ("Rests on", self.rests_on),
            ("The adapter", self.adapter),
            ("Dates", self.dates),
        )
        return tuple((label, line) for label, line in labelled if line)


@dataclass(frozen=True)
class Looked:
    """One count of an exact test, as the first page shows it."""

    test: ExactResult
    count: Count
    what: Phrase
    """What was counted."""
    expected: float
    """The count expected by chance; for indices at the same place, an upper bound."""


def answer(report: ClaimReport) -> Answer:
    """The answer of a report."""
    code = _code(report)
    pair, _ = of_parts.headlined(report)
    lines: dict[str, Phrases] = {
        "word": (Phrase.of(f"answer.{_word(report, code, whole=pair.code == 'pair')}"),),
        "sentence": (*_sentence(report, code, pair), *of_parts.others(report)),
        "count": _count(report, code),
        "chance": _chance(report, code),
        "does_not_show": (Phrase.of(f"answer.{code}.not"), *_power(report)),
        "rests_on": _rests(report, code),
        "adapter": () if report.change is None else change(report.change, short=True),
        "dates": _dates(report) if report.dated else (),
    }
    return Answer(
        verdict=report.verdict, **{name: " ".join(said(line, version=report.wording)) for name, line in lines.items()}
    )


def _dates(report: ClaimReport) -> Phrases:
    """By when either model existed, and that it does not tell which was first."""
    from .said_of_dates import order

    return (*order(report), Phrase.of("dated.not"))


def _code(report: ClaimReport) -> str:
    """What the answer is about: the verdict, but for parts with equal weights, and for a rule that was given up."""
    if report.parts and report.parts[0].verdict == "identical":
        return "identical"
    earlier = report.verdict == "similar_beyond_panel" and of_verdict.by_an_earlier_rule(report)
    return f"{report.verdict}.earlier" if earlier else report.verdict


def _word(report: ClaimReport, code: str, *, whole: bool) -> str:
    """The word of an answer: of a part where it is no more, and with what was found of another."""
    if code in ("no_evidence", "untestable"):
        found = {one.verdict for one, pair in of_parts.paired_results(report)[1:] if pair.understood}
        also = next((verdict for verdict in ("dependent", "identical") if verdict in found), None)
        return code if also is None else f"{code}.but.{also}"
    if code in ("dependent", "identical") and of_verdict.of_adapters(report):
        return f"{code}.adapters"
    part = not whole or (code == "identical" and report.verdict != "identical")
    return f"{code}.part" if part and f"answer.{code}.part" in _known(report) else code


def _rests(report: ClaimReport, code: str) -> Phrases:
    """What the answer rests on."""
    applied = sum(test.applicable for test in report.exact)
    if code == "identical" and (report.a.arrays_sha256 is not None or report.b.arrays_sha256 is not None):
        code += ".rests.stated"
    else:
        code += ".rests.panel" if code == "no_evidence" and not applied else ".rests"
    return (Phrase.of(f"answer.{code}", applied=applied, tests=len(report.exact)), *_stated(report))


def _stated(report: ClaimReport) -> Phrases:
    """What the answer rests on besides: what whoever asked said of the models, and one base of both."""
    if not any(test.applicable for test in report.exact):
        return ()
    sides = [side for side, one in (("A", report.a), ("B", report.b)) if one.architecture.family.startswith(STATED)]
    declared = "answer.rests.declared" if len(sides) == 1 else "answer.rests.declared.both"
    merged = all(one.merged_onto is not None for one in (report.a, report.b))
    files = [{file.sha256 for file in one.files if file.sha256 is not None} for one in (report.a, report.b)]
    one_base = merged and not files[0].isdisjoint(files[1])
    return (
        *((Phrase.of(declared, model=sides[0]),) if sides else ()),
        *((Phrase.of("answer.rests.one_base"),) if one_base else ()),
    )


def looked_at(report: ClaimReport) -> list[Looked]:
    """The counts of the exact tests that apply, in the order of the report."""
    return counts_of(report.exact, report.wording, of_verdict.of_adapters(report))


def counts_of(tests: Sequence[ExactResult], wording: int, alone: bool = False) -> list[Looked]:
    """The counts of those of the tests that apply, in the words of a version of the catalogue.

    Parameters
    ----------
    tests : the results.
    wording : version of the catalogue.
    alone : whether the models are adapters without their bases.
    """
    return [
        Looked(test, count, of_verdict.what(test, count, wording, alone), _expected(count))
        for test in tests
        if test.applicable
        for count in test.counts
    ]


def _expected(count: Count) -> float:
    return count.n / 2 if count.law == "signs" else float(count.groups)


def _known(report: ClaimReport) -> dict[str, str]:
    phrases: dict[str, str] = VERSIONS.get(report.wording, VERSIONS[LATEST]).PHRASES
    return phrases


def _sentence(report: ClaimReport, code: str, pair: Phrase) -> Phrases:
    if code == "identical" and report.parts:
        return (Phrase.of("part.identical", pair=pair),)
    why = of_verdict.why_untestable(report, counted=False) if code == "untestable" else []
    if why:
        more = (Phrase.of("answer.untestable.more", more=len(why) - _REASONS),) if len(why) > _REASONS else ()
        return (Phrase.of("answer.untestable.sentence.why", pair=pair, why=why[:_REASONS]), *more)
    if code == "similar_beyond_panel":
        tested = any(test.applicable for test in report.exact)
        exact = Phrase.of("answer.exact.nothing" if tested else "answer.exact.none")
        return (Phrase.of(f"answer.{code}.sentence", pair=pair, exact=exact),)
    if code in ("dependent", "identical") and of_verdict.of_adapters(report):
        return (Phrase.of(f"answer.{code}.adapters.sentence", pair=pair),)
    unranked = code == "untestable" or (code == "no_evidence" and of_verdict.why_no_rank_decides(report) is not None)
    ranked = of_verdict.no_verdict(report) if unranked else ()
    return (Phrase.of(f"answer.{code}.sentence", pair=pair), *ranked)


def _count(report: ClaimReport, code: str) -> Phrases:
    """The count that is least likely by chance."""
    if code == "identical":
        return (Phrase.of("answer.count.identical"),)
    if code == "untestable":
        return ()
    if code == "similar_beyond_panel":
        assert report.panel is not None
        return (Phrase.of("answer.count.alike", ratio=report.panel.effect_ratio or 0.0),)
    found = min(looked_at(report), key=lambda one: one.count.log10_p, default=None)
    if found is None or found.count.n == 0:
        return ()
    values = {"count": found.count.count, "n": found.count.n, "what": found.what, "expected": found.expected}
    return (Phrase.of(f"answer.count.{found.count.law}", **values),)


def _chance(report: ClaimReport, code: str) -> Phrases:
    if code in ("identical", "untestable", "similar_beyond_panel.earlier"):
        return ()
    if code == "similar_beyond_panel":
        assert report.panel is not None
        match, recipes = report.panel.false_match, len(set(report.panel.draws))
        return (Phrase.of("answer.chance.panel", bound=1.0 if match is None else match.bound, recipes=recipes),)
    line, panel = report.line(EXACT), report.line(PANEL)
    ranked = (
        (Phrase.of("answer.chance.ranked", p=panel.log10_p),)
        if code == "no_evidence" and panel is not None and panel.log10_p is not None
        else ()
    )
    if line is None or line.log10_p is None:
        return ranked
    m = sum(test.applicable for test in report.exact)
    parts = 1 + sum(any(result.applicable for result in part.results) for part in report.parts[1:])
    looks = [
        *([Phrase.of("answer.looks", m=m)] if m > 1 else []),
        *([Phrase.of("answer.looks.parts", parts=parts)] if parts > 1 else []),
        *([Phrase.of("answer.looks.searched", searched=report.searched)] if report.searched > 1 else []),
    ]
    values = {"p": line.log10_p, "alpha": line.alpha or 1.0}
    return (
        Phrase.of("answer.chance.of", looks=of_verdict.joined(looks), **values)
        if looks
        else Phrase.of("answer.chance", **values),
        *ranked,
    )


def _power(report: ClaimReport) -> Phrases:
    """What would have been detected, by the test that needs the smallest share."""
    able = [
        (test.detectable_share, test)
        for test in report.exact
        if test.detectable_share is not None and all(count.law == "fixed_points" for count in test.counts)
    ]
    if report.verdict != "no_evidence" or not able:
        return ()
    share, test = min(able, key=lambda one: one[0])
    what = of_verdict.what(test, test.counts[0], report.wording, of_verdict.of_adapters(report))
    return (Phrase.of("answer.no_evidence.power", share=share, what=what),)
