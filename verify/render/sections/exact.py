"""The exact tests: counts, assumptions and effects, and tests that do not apply."""

from __future__ import annotations

from ...claim import ClaimReport
from ...statistics import ExactResult, TestResult, words_of
from ..escape import Code, Inline
from ..numbers import count, general, log10, share
from ..page import Block, Heading, Items, Paragraph, table


def exact_tests(report: ClaimReport) -> list[Block]:
    """Every exact test that applies: counts, assumptions, and effect size."""
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
    blocks: list[Block] = [
        Heading("Exact tests"),
        table("Counts of the exact tests", columns, rows),
        *(
            [
                Paragraph(
                    "Of several counts of a test, the smallest p-value is multiplied by their number (Bonferroni)."
                )
            ]
            if any(len(test.counts) > 1 for test in tests)
            else []
        ),
    ]
    for test in tests:
        blocks += [
            Paragraph((Code(test.id), ": ", words_of(test).title, ".", *_as_recorded(test))),
            Items((*_premises(test), *_effect(test))),
        ]
    return blocks


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


def _as_recorded(test: TestResult) -> tuple[str, ...]:
    """Note on words that are not from this version."""
    return () if test.words is None else (f" Its words are as recorded, by version {test.version} of the test.",)


def _premises(test: ExactResult) -> list[Inline]:
    words = words_of(test)
    return [
        ("Null hypothesis: ", words.null),
        *(("Assumption: ", sentence) for sentence in words.assumptions),
        *((("Finds copies after ", words.survives, "."),) if words.survives else ()),
        *((("Does not see ", words.blind_to, "."),) if words.blind_to else ()),
    ]


def _effect(test: ExactResult) -> list[Inline]:
    effect = test.effect
    if effect is None:
        return []
    signs = all(c.law == "signs" for c in test.counts)
    among = "of the signs compared" if signs else "of the indices kept, each compared with those kept of its block"
    parts: list[str] = ["Effect: ", share(effect.share), f" {among}"]
    if effect.cosine_identified is not None and effect.cosine_background is not None:
        parts += [
            "; median score of those at the same index ",
            share(effect.cosine_identified),
            ", of the best match elsewhere ",
            share(effect.cosine_background),
        ]
    return [(*parts, ".")]


def refused_tests(report: ClaimReport) -> list[Block]:
    """Tests that do not apply, with their reasons."""
    refused: list[Inline] = [
        (Code(test.id), ": ", report.say(test.reason) if test.reason else "no reason given", ".")
        for test in report.results
        if not test.applicable
    ]
    if not refused or report.verdict == "identical":
        return []
    return [Heading("Tests that do not apply"), Items(tuple(refused))]
