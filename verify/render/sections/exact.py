"""The exact tests in numbers: counts and effects, and tests that do not apply."""

from __future__ import annotations

from ...claim import ClaimReport
from ...claim.said import reason
from ...statistics import ExactResult
from ..kinds import Code, Inline
from ..numbers import count, general, log10, share
from ..page import Block, Heading, Items, Paragraph, table


def exact_tests(report: ClaimReport) -> list[Block]:
    """Every exact test that applies: counts and effect size."""
    tests = [test for test in report.exact if test.applicable]
    if not tests:
        return []
    rows: list[tuple[Inline, ...]] = []
    for test in tests:
        for c in test.counts:
            signs = c.law == "signs"
            rows.append(
                (
                    Code(test.id),
                    ("agreeing signs" if signs else "same index") + (f", {c.part}" if c.part else ""),
                    count(c.count),
                    count(c.n),
                    general(c.n / 2) if signs else count(c.groups),
                    log10(c.log10_p),
                    log10(test.adjusted_log10_p),
                    log10(test.attainable_log10_p),
                )
            )
    columns = (
        "test",
        "what was counted",
        "count",
        "of",
        "expected by chance (upper bound)",
        "log10 p",
        "adjusted",
        "smallest possible",
    )
    return [
        table("Counts of the exact tests", columns, rows),
        Paragraph(
            "p-values are log10, adjusted ones by Holm's procedure over the tests. Each follows from its count "
            "alone: same index, P(F ≥ k) ≤ L^(k−L) L!/k! for k of L independent groups (expected by chance); "
            "signs, the binomial tail at one half."
        ),
        Items(tuple((Code(test.id), ": ", *effect) for test in tests if (effect := _effect(test)))),
    ]


def further_tests(report: ClaimReport) -> list[Block]:
    """The counts behind the verdicts on further parts."""
    rows = [
        (
            Code(part.a),
            Code(part.b),
            Code(test.id),
            "agreeing signs" if c.law == "signs" else "same index",
            count(c.count),
            count(c.n),
            log10(c.log10_p),
        )
        for part in report.parts
        for test in part.results
        if isinstance(test, ExactResult)
        for c in test.counts
    ]
    columns = ("part of A", "part of B", "test", "what was counted", "count", "of", "log10 p")
    return [Heading("Exact tests of further parts"), table("Their counts", columns, rows)] if rows else []


def _effect(test: ExactResult) -> tuple[str, ...]:
    """How strong the match is."""
    effect = test.effect
    if effect is None:
        return ()
    signs = all(c.law == "signs" for c in test.counts)
    among = "of the signs compared" if signs else "of the indices kept, each compared with those kept of its block"
    parts: list[str] = [share(effect.share), f" {among}"]
    if effect.cosine_identified is not None and effect.cosine_background is not None:
        parts += [
            "; median score of those at the same index ",
            share(effect.cosine_identified),
            ", of the best match elsewhere ",
            share(effect.cosine_background),
        ]
    return (*parts, ".")


def refused_tests(report: ClaimReport) -> list[Block]:
    """Tests that do not apply, with their reasons."""
    refused: list[Inline] = [
        (Code(test.id), ": ", report.say(why) if (why := reason(report, test)) else "no reason given", ".")
        for test in report.results
        if not test.applicable
    ]
    if not refused or report.verdict == "identical":
        return []
    return [Heading("Tests that do not apply"), Items(tuple(refused))]
