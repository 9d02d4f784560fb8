"""Sentences that say of which parts of two models a verdict is, and what was found of the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING

from ..checkpoint import COPIES
from ..fingerprint import PartRecord
from ..statistics import TestResult
from . import wording
from .parts import WHOLE, EqualTensors, Pair, share

if TYPE_CHECKING:
    from .report import ClaimReport, PartResult

Parts = Sequence[PartRecord]

_PLAIN = re.compile(r"[A-Za-z ]{1,40}")
_MOST_SENTENCES = 8
_MOST_NAMED = 3
_PLURALS = {"EMA copy": "EMA copies", "draft layers": "draft layers", "encoder and decoder": "encoders and decoders"}


def whole(pair: Pair, a: Parts, b: Parts) -> tuple[str, str]:
    """What a verdict on a pair of parts is said of, and what is said behind its p-value.

    It is said of the models only where the pair makes most of both (:data:`verify.claim.parts.WHOLE`) and neither
    holds another part that is a model of its own: a large public tower beside a small language model is no model.
    """
    shares = share(pair.a, a), share(pair.b, b)
    others = [part for own, parts in ((pair.a, a), (pair.b, b)) for part in parts if part.name != own.name]
    several = any(part.family and part.kind not in COPIES for part in others)
    if several or None in shares or min(filter(None, shares), default=0.0) < WHOLE:
        return said_of(pair, a, b), ""
    return "A and B", f", of {said_of(pair, a, b, also='')}"


def said_of(pair: Pair, a: Parts, b: Parts, also: str = " of A and B") -> str:
    """A pair of parts in words, with the share of the stored numbers that each makes.

    Examples
    --------
    >>> part = PartRecord(name="text_model", kind="text encoder", family="clip_text", numbers=19, tensors=1)
    >>> rest = PartRecord(name="model.diffusion_model", kind="denoiser", numbers=81, tensors=1)
    >>> said_of(Pair(part, part), (part, rest), (part, rest))
    'the text encoders of A and B (19% of the numbers of each)'
    """
    several = max([one.kind for one in parts].count(part.kind) for part, parts in ((pair.a, a), (pair.b, b))) > 1
    named = several or pair.a.kind == "other"
    x, y = share(pair.a, a), share(pair.b, b)
    amounts = f"{_percent(x)} of A's numbers and {_percent(y)} of B's"
    if _percent(x) == _percent(y):
        amounts = f"{_percent(x)} of the numbers of each"
    if pair.a.kind == pair.b.kind:
        kind = _plural(pair.a)
        names = f" {_quoted(pair.a)}" if pair.a.name == pair.b.name else f" {_quoted(pair.a)} and {_quoted(pair.b)}"
        return f"the {kind}{names if named else ''}{also} ({amounts})"
    return f"the {pair.a.kind} {_quoted(pair.a)} of A and the {pair.b.kind} {_quoted(pair.b)} of B ({amounts})"


def of_parts(
    said: wording.Sentences,
    a: Parts,
    b: Parts,
    results: Sequence[PartResult],
    equal: EqualTensors | None,
    alpha: float,
) -> wording.Sentences:
    """The sentences of a verdict, and those on other parts; equal parts larger than the one headlined come first."""
    in_a, in_b = ({part.name: part for part in parts} for parts in (a, b))
    pairs = [Pair(in_a[one.a], in_b[one.b]) for one in results]
    size = pairs[0].a.numbers + pairs[0].b.numbers
    before: list[str] = []
    after: list[str] = []
    for one, pair in zip(results[1:], pairs[1:], strict=True):
        if (sentence := _sentence(one, pair, a, b, alpha)) is None:
            continue
        larger = one.verdict == "identical" and pair.a.numbers + pair.b.numbers >= size
        (before if larger else after).append(sentence)
    if len(after) > _MOST_SENTENCES:
        after = [*after[:_MOST_SENTENCES], f"What was found of {len(after) - _MOST_SENTENCES} more is listed."]
    if equal is not None:
        after.append(_equal(equal, a, b))
    compared = {one.a for one in results if one.tests or one is results[0] or one.verdict == "identical"}
    limit = " That it holds of parts that were not compared." if compared < in_a.keys() else ""
    finding, may_say, may_not_say = said
    if results[0].verdict == "identical":
        finding = may_say = _same(results[0], pairs[0], a, b, alpha)
    return wording.Sentences(
        finding=" ".join([*before, finding, *after]),
        may_say=" ".join([*before, may_say, *after]),
        may_not_say=may_not_say + limit,
    )


def cited(report: ClaimReport) -> str:
    """The verdict as a title gives it: with the kind of part that it is of, where it is not said of the models.

    Only kinds that are plain words are named, since whoever writes a report can write any.
    """
    parts = [next((part for part in one.parts if part.name == one.part), None) for one in (report.a, report.b)]
    a, b = parts
    if not report.parts or a is None or b is None:
        return report.verdict
    kinds = dict.fromkeys(_plural(part) for part in (a, b) if _PLAIN.fullmatch(part.kind))
    if whole(Pair(a, b), report.a.parts, report.b.parts)[0] == "A and B" or not kinds:
        return report.verdict
    return f"{report.verdict} ({', '.join(kinds)} only)"


def _plural(part: PartRecord) -> str:
    return _PLURALS.get(part.kind, f"{part.kind}s" if part.kind != "other" else "parts")


def power_of(power: str | None, pair: Pair | None, a: Parts, b: Parts) -> str | None:
    """A statement of power, and of which parts it is."""
    return power if power is None or pair is None else f"{power} This is of {said_of(pair, a, b)}."


def not_compared(
    a: Parts, b: Parts, results: Sequence[PartResult], headlined: Sequence[TestResult]
) -> tuple[str, ...]:
    """What share of each model no test looked at, and which parts those are."""
    lines = []
    for side, parts, names in (("A", a, [one.a for one in results]), ("B", b, [one.b for one in results])):
        tested = {
            name
            for n, (name, one) in enumerate(zip(names, results, strict=True))
            if any(test.applicable for test in (headlined if n == 0 else one.tests.values()))
        }
        left = sorted(
            (part for part in parts if part.name not in tested), key=lambda part: (-part.numbers, part.name)
        )
        total = sum(part.numbers for part in parts)
        if left and total:
            shown = ", ".join(
                f"{part.kind if part.kind != 'other' else 'tensors'} {_quoted(part)} ({_percent(share(part, parts))})"
                for part in left[:_MOST_NAMED]
            )
            more = f" and {len(left) - _MOST_NAMED} more" if len(left) > _MOST_NAMED else ""
            amount = _percent(sum(part.numbers for part in left) / total)
            lines.append(f"No test looked at {amount} of the stored numbers of {side}: {shown}{more}.")
    if any(one.verdict == "identical" for one in results):
        lines.append(_PUBLIC)
    return tuple(lines)


_PUBLIC = (
    "Parts that hold the same numbers did not come to do so by chance, but may be a public component that both "
    "makers took over unchanged or, where no table understands them, computed by a formula; that says nothing of "
    "other parts."
)


def _same(one: PartResult, pair: Pair, a: Parts, b: Parts, alpha: float) -> str:
    """That the pair that the report is headlined by holds the same numbers, and what the tests made of it."""
    words, p = said_of(pair, a, b), one.adjusted_log10_p
    seen = p is not None and p <= log10(alpha)
    tests = "no test applies" if p is None else f"{wording.probability(p)}, level {alpha:g}"
    return (
        f"{words[0].upper()}{words[1:]} hold the same weights, by the digests in the report; the exact tests "
        f"{'find them related' if seen else 'do not find it'} ({tests})."
    )


def _sentence(one: PartResult, pair: Pair, a: Parts, b: Parts, alpha: float) -> str | None:
    """What was found of a further pair of parts; None where nothing was."""
    words = said_of(pair, a, b)
    if one.verdict == "identical":
        same = "weights" if pair.understood else f"numbers to the last bit. {_NO_CHANCE}"
        return f"{words[0].upper()}{words[1:]} hold the same {same}."
    if not pair.understood:
        return None
    p = "" if one.adjusted_log10_p is None else f"{wording.probability(one.adjusted_log10_p)}, level {alpha:g}"
    return {
        "dependent": f"{words[0].upper()}{words[1:]} share initial weights or derivation ({p}).",
        "no_evidence": f"No evidence was found that {words} share initial weights or derivation ({p}).",
    }.get(one.verdict, f"Whether {words} are related could not be tested.")


def _equal(equal: EqualTensors, a: Parts, b: Parts) -> str:
    shares = [f"{_percent(equal.numbers / total)} of {side}'s numbers" if (total := sum(p.numbers for p in parts))
              else f"numbers of {side}" for side, parts in (("A", a), ("B", b))]  # fmt: skip
    names = ", ".join(f"{name!r:.80}" for name in equal.names[:_MOST_NAMED])
    return (
        f"Of the tensors that no table understands, {equal.tensors} are equal in both to the last bit "
        f"({equal.numbers} numbers, {shares[0]} and {shares[1]}), such as {names}. {_NO_CHANCE}."
    )


_NO_CHANCE = (
    "So many equal numbers do not arise by chance, but may be a public frozen component, or a table computed by a "
    "formula"
)


def _quoted(part: PartRecord) -> str:
    return f"{part.name!r:.80}"


def _percent(value: float | None) -> str:
    """A share in words that never read as all or nothing where it is not.

    Examples
    --------
    >>> [_percent(x) for x in (0.19, 0.9999, 0.004, 1.0, 0.00001, None)]
    ['19%', 'over 99.9%', '0.4%', '100%', 'under 0.1%', 'an unknown share']
    """
    if value is None:
        return "an unknown share"
    if value >= 0.999:
        return "100%" if value >= 1 else "over 99.9%"
    if value < 0.001:
        return "0%" if value == 0 else "under 0.1%"
    return f"{100 * value:.1f}%" if value > 0.99 or value < 0.01 else f"{100 * value:.0f}%"
