"""What the exact tests assume, said once, and what each of them tests, survives and is blind to."""

from __future__ import annotations

from ...base import Phrase
from ...claim import ClaimReport
from ...claim.said import of_adapters
from ...statistics import ExactResult, words_of
from ...statistics.hypotheses import EQUIVARIANT_TRAINING
from ..kinds import Code, Inline
from ..page import Block, Items, Paragraph, listed, table

_OF_ADAPTERS = ("adapters.null", "adapters.group", "adapters.survives", "adapters.blind_to")
"""What the one test of adapters without their bases is of."""
_OF_UNITS = ("unit_identity", "response_identity")
"""Tests that count the channels of state spaces as hidden units."""
_HEAD, _TAIL = EQUIVARIANT_TRAINING.split("{group}")


def assumptions(report: ClaimReport) -> list[Block]:
    """Assumptions by the tests that make them, and one row for each test."""
    tests = [test for test in report.exact if test.applicable]
    if not tests:
        return []
    holders: dict[str, list[str]] = {}
    groups: dict[str, str] = {}
    for test in tests:
        for sentence in words_of(test).assumptions:
            shared, group = _divided(sentence)
            holders.setdefault(shared, []).append(test.id)
            groups[test.id] = groups.get(test.id, "") or group
    items: list[Inline] = [
        sentence if len(ids) == len(tests) else ("Of ", *listed(ids), ": ", sentence)
        for sentence, ids in holders.items()
    ]
    of_units = [test.id for test in tests if test.id in _OF_UNITS]
    if of_units and all(side.architecture.state_heads for side in (report.a, report.b)):
        items.append(("Of ", *listed(of_units), ": ", report.say(Phrase.of("assumption.state_spaces"))))
    return [
        Paragraph("Every p-value of an exact test is valid under these assumptions, and only then:"),
        Items(tuple(items)),
        table(
            "What each test is of",
            ("test", "null hypothesis", "group", "finds copies after", "does not see"),
            ((Code(test.id), *_row(report, test, groups[test.id] or "–")) for test in tests),
        ),
    ]


def _divided(sentence: str) -> tuple[str, str]:
    """A sentence on training without its group, and the group with what the sentence adds; of others, no group."""
    if not sentence.startswith(_HEAD):
        return sentence, ""
    group, true, rest = sentence.removeprefix(_HEAD).partition(". This is true")
    if not (true + rest).startswith(_TAIL):
        return sentence, group
    return f"{_HEAD}the group of the test{_TAIL}", group + (true + rest).removeprefix(_TAIL).replace(
        " It is", ". This is", 1
    )


def _row(report: ClaimReport, test: ExactResult, group: str) -> tuple[Inline, ...]:
    if of_adapters(report) and test.words is None:
        return tuple(report.say(Phrase.of(code)) for code in _OF_ADAPTERS)
    words = words_of(test)
    note = f" Its words are as recorded, by version {test.version} of the test." if test.words is not None else ""
    return words.null + note, group, words.survives or "–", words.blind_to or "–"
