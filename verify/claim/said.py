"""The phrases of a report: which ones apply to its facts, and with which values; ``verify.wording`` has the words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..base import Phrase
from ..checkpoint import STATED, is_alone, modules_apart
from ..fingerprint import Signed, nothing_differs
from ..panel import ALL_PAIRS, PRIMARY_DESIGN, undecided
from ..statistics import Count, ExactResult, TestResult, words_of
from ..wording import LATEST, VERSIONS
from . import said_of_parts as of_parts
from .declared import FOUND, Declared
from .evidence import EXACT, PANEL, Verdict

if TYPE_CHECKING:
    from .report import ClaimReport

Phrases = tuple[Phrase, ...]

_SHOWN_MODULES = 20
_IN_PART = ("identical", "dependent", "similar_beyond_panel")
"""Verdicts that have a word of their own where they are of a part."""


class Said(NamedTuple):
    """Finding, and what may and may not be said of it."""

    finding: Phrases
    may_say: Phrases
    may_not_say: Phrases


def said(report: ClaimReport) -> Said:
    """The phrases on the verdict: for the pair of parts in the headline, then for others."""
    pair, behind = of_parts.headlined(report)
    values: dict[str, object] = {"pair": pair, "p": _shown(report, behind)}
    false_match = report.panel.false_match if report.panel else None
    values["bound"] = 1.0 if false_match is None else false_match.bound
    if report.panel is not None:
        values |= {"recipes": len(set(report.panel.draws)), "ratio": report.panel.effect_ratio or 0.0}
    verdict, why = report.verdict, why_untestable(report) if report.verdict == "untestable" else []
    code = f"{verdict}.earlier" if verdict == "similar_beyond_panel" and by_an_earlier_rule(report) else verdict
    finding = Phrase.of(f"{code}.finding", **values)
    if why:
        finding = Phrase.of("untestable.finding.why", pair=pair, why=why)
    first = Said(
        (finding,), (Phrase.of(f"{code}.may_say", **values),), (Phrase.of(f"{verdict}.may_not_say", **values),)
    )
    ranked = no_verdict(report) if verdict in ("no_evidence", "untestable") else ()
    first = first._replace(finding=first.finding + ranked)
    return Said(*of_parts.with_others(report, *first)) if report.parts else first


def by_an_earlier_rule(report: ClaimReport) -> bool:
    """Whether the panel p-value is of a version whose rule was given up."""
    return report.panel is not None and report.panel.primary_design != PRIMARY_DESIGN


def _shown(report: ClaimReport, behind: Phrase | None) -> Phrase | str:
    """The p-values behind the verdict."""
    exact, panel = (
        None if line is None or line.log10_p is None else Phrase.of(code, log10_p=line.log10_p, alpha=line.alpha)
        for line, code in ((report.line(EXACT), "p"), (report.line(PANEL), "p.panel"))
    )
    found = {"dependent": exact, "similar_beyond_panel": panel}.get(report.verdict, exact or panel)
    if report.verdict == "no_evidence" and exact and panel:
        found = Phrase.of("p.both", exact=exact, panel=panel)
    if found is None:
        return ""
    return found if behind is None else Phrase.of("p.of", p=found, of=behind)


def why_untestable(report: ClaimReport, counted: bool = True) -> list[Phrase]:
    """Why nothing could be tested: tests that apply cannot reach the level, and why others do not apply.

    Parameters
    ----------
    report : the report.
    counted : whether to say what the tests that apply could compare.
    """
    results, line = report.exact, report.line(EXACT)
    reasons = list(dict.fromkeys(why for result in results if (why := reason(report, result)) is not None))
    few = [
        Phrase.of(
            "few_live.count",
            live=count.n if count.live is None else count.live,
            n=count.n,
            what=what(result, count, report.wording, alone=of_adapters(report)),
        )
        for result in results
        if result.applicable
        if (count := next((count for count in result.counts if count.law == "fixed_points"), None)) is not None
    ]
    if not few:
        return reasons
    level = report.alpha if line is None or line.alpha is None else line.alpha
    first = Phrase.of("few_live", alpha=level)
    return [Phrase.of("few_live.counted", alpha=level, counts=few) if counted else first, *reasons]


def of_adapters(report: ClaimReport) -> bool:
    """Whether both models are adapters without their bases."""
    return is_alone(report.a.architecture) and is_alone(report.b.architecture)


def reason(report: ClaimReport, test: TestResult) -> Phrase | None:
    """Why a test does not apply; adapters without their bases are told of nothing that they do not have."""
    if test.reason is None or not of_adapters(report) or test.reason.code == "identical_weights":
        return test.reason
    return Phrase.of("rank_channels_alone")


def what(test: ExactResult, count: Count, wording: int, alone: bool = False) -> Phrase:
    """What a count is of, in plain words; of a test that the catalogue does not know, by the test's title.

    Parameters
    ----------
    test : the result that holds the count.
    count : the count.
    wording : version of the catalogue.
    alone : whether the models are adapters without their bases.
    """
    known = VERSIONS.get(wording, VERSIONS[LATEST]).PHRASES
    codes = (f"looked.{test.id}.{'adapters' if alone else count.law}", f"looked.{test.id}")
    code = next((code for code in codes if code in known and test.words is None), None)
    return Phrase.of("looked.own", title=words_of(test).title) if code is None else Phrase.of(code)


def no_verdict(report: ClaimReport) -> Phrases:
    """Rank in a panel with too few members like A and B, and why that is no verdict."""
    why, primary = why_no_rank_decides(report), report.primary
    if why is None and report.panel is not None and not report.panel.beyond:
        use = report.panel
        why = Phrase.of("panel.not_beyond", ratio=use.effect_ratio, largest=use.largest_stranger)
    if why is None or primary is None:
        return ()
    rung = next((rung for rung in primary.ranks if rung.design == ALL_PAIRS), None)
    if rung is None:
        return ()
    return (Phrase.of("panel.no_verdict", size=rung.size, rank=rung.rank, why=why),)


def why_no_rank_decides(report: ClaimReport) -> Phrase | None:
    """Why no rank in the panel is a verdict; None if one is, or no panel was used."""
    return None if report.panel is None else undecided(report.panel, report.searched)


def multiplicity(report: ClaimReport) -> Phrases:
    """Corrections for the number of tests, pairs of parts and pairs searched."""
    m = sum(result.applicable for result in report.exact)
    if m == 0:
        return (Phrase.of("multiplicity.none"),)
    parts = 1 + sum(any(result.applicable for result in part.results) for part in report.parts[1:])
    return (
        Phrase.of("multiplicity", m=m, n=len(report.exact)),
        *((Phrase.of("multiplicity.parts", parts=parts),) if parts > 1 else ()),
        *((Phrase.of("multiplicity.searched", searched=report.searched),) if report.searched > 1 else ()),
    )


def power(report: ClaimReport) -> Phrases:
    """Power: what would have been detected, if nothing was."""
    able = [result for result in report.exact if result.detectable_share is not None and result.counts_fixed_points]
    if report.verdict != "no_evidence" or not able:
        return ()
    shares = [Phrase.of("power.share", share=result.detectable_share, test=result.id) for result in able]
    pair, _ = of_parts.compared(report)
    return (
        Phrase.of("power", shares=[*shares]),
        *((Phrase.of("power.of", of=pair),) if pair is not None else ()),
    )


def declared(found: Declared, verdict: Verdict, *, merged: bool = False, whole: bool = True) -> Phrases:
    """Declared lineage, beside the verdict.

    Parameters
    ----------
    found : what is declared.
    verdict : the verdict of the report.
    merged : whether an adapter was merged to make one of the models.
    whole : whether the verdict is said of the models, and not of a part of them alone.
    """
    names = (("A", "B", found.a_names_b), ("B", "A", found.b_names_a))
    who = [
        Phrase.of("declared.names.by_name" if match == "name" else "declared.names", one=one, other=other)
        for one, other, match in names
        if match is not None
    ]
    who += [Phrase.of("declared.common")] if found.common else []
    status = found.status.removeprefix("declared_")
    if status == "confirmed" and verdict not in FOUND:  # as the record states, which a replay refuses
        status = "not_confirmed"
    elif status == "confirmed" and not whole:
        status = "confirmed.part"
    word = f"answer.{verdict}" if whole or verdict not in _IN_PART else f"answer.{verdict}.part"
    values = {"who": joined(who)} if who else {}
    return (
        Phrase.of(f"declared.{status}", verdict=Phrase.of(word), **values),
        *((Phrase.of("declared.merged"),) if merged and verdict in FOUND else ()),
        Phrase.of("declared.no_evidence"),
    )


def joined(phrases: Sequence[Phrase]) -> Phrase:
    """Phrases with "and" between."""
    found = phrases[0]
    for phrase in phrases[1:]:
        found = Phrase.of("and", first=found, second=phrase)
    return found


def limitations(report: ClaimReport) -> Phrases:
    """What the report does not show."""
    effort = report.provenance.effort
    refused = [result.id for result in report.results if not result.applicable]
    of_verdict = {
        "dependent": (
            "not_who",
            "shared_seed",
            "forgery",
            "forgery.fingerprint",
            "order.dated" if report.dated else "order" if report.chronology is None else "order.stated",
        ),
        "no_evidence": (
            "no_independence.panel" if _panel_decides(report) else "no_independence",
            "distillation",
        ),
        "similar_beyond_panel": ("panel_only", "panel_size"),
        "untestable": ("untested",),
        "identical": ("original",),
    }[report.verdict]
    found = [Phrase.of("limit.earlier_panel")] if by_an_earlier_rule(report) else []
    found += [Phrase.of(f"limit.{code}") for code in of_verdict]
    if report.verdict != "identical":
        found += [Phrase.of("limit.refused", tests=refused)] if refused else []
        found += [Phrase.of(f"limit.effort.{effort}")] if effort != "full" else []
        found += [Phrase.of("limit.assumptions")] if any(result.applicable for result in report.exact) else []
        found += [Phrase.of("limit.nothing_differs")] if nothing_differs(report.a, report.b) else []
    found += _of_sides(report)
    found += of_parts.not_compared(report) if report.parts else ()
    found += [Phrase.of("limit.own_line", line=line.line) for line in report.own_lines]
    if report.schema_of_maker != report.schema_version:
        found.append(
            Phrase.of(
                "limit.older_schema",
                schema=report.schema_of_maker,
                version=report.provenance.software.get("verify-lineage", "unknown"),
                wording=report.wording,
            )
        )
    return tuple(found)


def _panel_decides(report: ClaimReport) -> bool:
    primary: TestResult | None = report.primary
    return primary is not None and primary.applicable and why_no_rank_decides(report) is None


def _of_sides(report: ClaimReport) -> list[Phrase]:
    """Adapters that were merged, or compared without their bases, and fingerprints in place of weights."""
    sides = (("A", report.a), ("B", report.b))
    stated = [
        Phrase.of("limit.stated", model=side, family=subject.architecture.family)
        for side, subject in sides
        if subject.architecture.family.startswith(STATED)
    ]
    alone = [Phrase.of("limit.adapters")] if of_adapters(report) else []
    alone += [
        Phrase.of("limit.adapters.other_modules", model=side, count=sum(other.values()), names=_listed(other))
        for side, subject in sides
        if alone and (other := Counter(modules_apart(subject.outside)))
    ]
    damaged = [
        Phrase.of("limit.non_finite", model=side, count=subject.non_finite)
        for side, subject in sides
        if subject.non_finite
    ]
    merged = [Phrase.of("limit.merged", model=side) for side, subject in sides if subject.merged_onto is not None]
    return (
        stated
        + damaged
        + alone
        + merged
        + [
            Phrase.of("limit.fingerprint" if subject.arrays_sha256 else "limit.fingerprint.unbound", model=side)
            for side, subject in sides
            if subject.arrays_sha256 is not None
        ]
        + [
            Phrase.of(f"limit.signed.{subject.signed.status}", model=side, **_key(subject.signed))
            for side, subject in sides
            if subject.signed is not None
        ]
    )


def _key(signed: Signed) -> dict[str, str]:
    return {} if signed.key is None else {"key": signed.key}


def _listed(modules: Counter[str]) -> list[str]:
    """Names of modules without the numbers of layers, and how many there are of each; names are a stranger's."""
    shown = [f"{name!r:.80} ({number})" for name, number in sorted(modules.items())[:_SHOWN_MODULES]]
    return shown + ([f"and {len(modules) - _SHOWN_MODULES} others"] if len(modules) > _SHOWN_MODULES else [])
