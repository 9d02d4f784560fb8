"""Phrases on parts: the pair that a verdict is about, and findings on the others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING

from ..base import Phrase
from ..checkpoint import COPIES
from ..fingerprint import PartRecord
from ..wording import LATEST, VERSIONS
from .parts import WHOLE, Pair, share

if TYPE_CHECKING:
    from .record import PartResult
    from .report import ClaimReport

Parts = Sequence[PartRecord]
Phrases = tuple[Phrase, ...]

_PLAIN = re.compile(r"[A-Za-z ]{1,40}")
_MOST_SENTENCES = 8
_MOST_NAMED = 3


def headlined(report: ClaimReport) -> tuple[Phrase, Phrase | None]:
    """The subject of the verdict's sentence, and a phrase to add after its p-value."""
    pair = _pair(report)
    return (Phrase.of("pair"), None) if pair is None else spoken_of(pair, report.a.parts, report.b.parts)


def spoken_of(pair: Pair, a: Parts, b: Parts) -> tuple[Phrase, Phrase | None]:
    """The subject of the sentence for a verdict on a pair of parts, and a phrase to add after its p-value.

    The subject is "A and B" only if the pair of parts makes up most of both (:data:`verify.claim.parts.WHOLE`) and
    neither holds another part that is a model of its own: a large public tower beside a small language model is not
    the model.

    Parameters
    ----------
    pair : the two parts.
    a, b : all parts of A and of B.

    Returns
    -------
    tuple
        The phrase that names what the verdict is about; and one to add after the p-value, or None.
    """
    if _makes_the_models(pair, a, b):
        return Phrase.of("pair"), said_of(pair, a, b, "behind")
    return said_of(pair, a, b), None


def of_the_models(report: ClaimReport) -> bool:
    """Whether the verdict is said of A and B, and not of a part of them alone."""
    pair = _pair(report)
    return pair is None or _makes_the_models(pair, report.a.parts, report.b.parts)


def compared(report: ClaimReport) -> tuple[Phrase | None, Pair | None]:
    """The pair of parts that the report is headlined by, in words and itself; None where each model is one part."""
    pair = _pair(report)
    return (None, None) if pair is None else (said_of(pair, report.a.parts, report.b.parts), pair)


def _pair(report: ClaimReport) -> Pair | None:
    found = [next((part for part in one.parts if part.name == one.part), None) for one in (report.a, report.b)]
    if not report.parts or found[0] is None or found[1] is None:
        return None
    return Pair(found[0], found[1])


def _makes_the_models(pair: Pair, a: Parts, b: Parts) -> bool:
    shares = share(pair.a, a), share(pair.b, b)
    others = [part for own, parts in ((pair.a, a), (pair.b, b)) for part in parts if part.name != own.name]
    several = any(part.family and part.kind not in COPIES for part in others)
    return not several and None not in shares and min(filter(None, shares), default=0.0) >= WHOLE


def said_of(pair: Pair, a: Parts, b: Parts, how: str = "pair") -> Phrase:
    """A pair of parts, with the share of the stored numbers that each makes.

    Parameters
    ----------
    pair : the two parts.
    a, b : all parts of A and of B.
    how : ``"pair"``, or ``"behind"`` where "of A and B" was said before.

    Examples
    --------
    >>> from verify.wording import say
    >>> part = PartRecord(name="text_model", kind="text encoder", family="clip_text", numbers=19, tensors=1)
    >>> rest = PartRecord(name="model.diffusion_model", kind="denoiser", numbers=81, tensors=1)
    >>> say(said_of(Pair(part, part), (part, rest), (part, rest)))
    'the text encoders of A and B (19% of the numbers of each)'
    """
    several = max([one.kind for one in parts].count(part.kind) for part, parts in ((pair.a, a), (pair.b, b))) > 1
    x, y = share(pair.a, a), share(pair.b, b)
    amounts = Phrase.of("amounts.each", share=x) if _alike(x, y) else Phrase.of("amounts", a=x, b=y)
    names = {"a": pair.a.name, "b": pair.b.name}
    if pair.a.kind != pair.b.kind:
        return Phrase.of("pair.kinds", kind_a=pair.a.kind, kind_b=pair.b.kind, amounts=amounts, **names)
    if not several and pair.a.kind != "other":
        return Phrase.of(f"{how}.kind", kind=pair.a.kind, amounts=amounts)
    if pair.a.name == pair.b.name:
        return Phrase.of(f"{how}.kind.name", kind=pair.a.kind, amounts=amounts, name=pair.a.name)
    return Phrase.of(f"{how}.kind.names", kind=pair.a.kind, amounts=amounts, **names)


def _alike(x: float | None, y: float | None) -> bool:
    """Whether two shares read the same."""
    return x == y or (x is not None and y is not None and abs(x - y) < 0.0005)


def with_others(
    report: ClaimReport, finding: Phrases, may_say: Phrases, may_not_say: Phrases
) -> tuple[Phrases, Phrases, Phrases]:
    """The sentences of a verdict, and those on other parts; equal parts larger than the one headlined come first.

    Parameters
    ----------
    report : the report.
    finding, may_say, may_not_say : phrases on the pair of parts that the report is headlined by.

    Returns
    -------
    tuple
        The same three, with those on other parts.
    """
    before, after = _others(report)
    pairs = paired_results(report)
    first, headline = pairs[0]
    looked_at = {one.a for one, _ in pairs if one.results or one is first or one.verdict == "identical"}
    limit = (Phrase.of("parts.may_not_say"),) if looked_at < {part.name for part in report.a.parts} else ()
    if first.verdict == "identical":
        finding = may_say = (_same(first, headline, report.a.parts, report.b.parts, report.alpha),)
    return (*before, *finding, *after), (*before, *may_say, *after), (*may_not_say, *limit)


def others(report: ClaimReport) -> Phrases:
    """What was found of other parts than the pair of the headline."""
    before, after = _others(report) if report.parts else ((), ())
    return (*before, *after)


def _others(report: ClaimReport) -> tuple[Phrases, Phrases]:
    """The same, divided into equal parts that are larger than the pair of the headline, and the rest."""
    a, b = report.a.parts, report.b.parts
    pairs = paired_results(report)
    _, headline = pairs[0]
    size = headline.a.numbers + headline.b.numbers
    before: list[Phrase] = []
    after: list[Phrase] = []
    for one, pair in pairs[1:]:
        if (sentence := _sentence(one, pair, a, b, report.alpha)) is None:
            continue
        larger = one.verdict == "identical" and pair.a.numbers + pair.b.numbers >= size
        (before if larger else after).append(sentence)
    if len(after) > _MOST_SENTENCES:
        after = [*after[:_MOST_SENTENCES], Phrase.of("parts.more", more=len(after) - _MOST_SENTENCES)]
    if report.equal_tensors is not None:
        after.append(_equal_tensors(report))
    return tuple(before), tuple(after)


def paired_results(report: ClaimReport) -> list[tuple[PartResult, Pair]]:
    """Results of parts with the parts that they are of; those that name no part of the models are left out."""
    in_a, in_b = ({part.name: part for part in subject.parts} for subject in (report.a, report.b))
    return [(one, Pair(in_a[one.a], in_b[one.b])) for one in report.parts if one.a in in_a and one.b in in_b]


def named_parts(report: ClaimReport) -> str:
    """What a title adds where the verdict is not said of the models: the kind of part that it is of, in brackets.

    Only kinds that are plain words are named, since the text of a report is untrusted.
    """
    pair = _pair(report)
    if pair is None or of_the_models(report):
        return ""
    plural = VERSIONS.get(report.wording, VERSIONS[LATEST]).FORMATS["plural"]
    kinds = dict.fromkeys(plural(part.kind) for part in pair if _PLAIN.fullmatch(part.kind))
    return f" ({', '.join(kinds)} only)" if kinds else ""


def not_compared(report: ClaimReport) -> Phrases:
    """The share of each model that no test read, and its parts."""
    found: list[Phrase] = []
    tested = [report.exact, *(one.results for one in report.parts[1:])]
    for side, subject, names in (
        ("A", report.a, [one.a for one in report.parts]),
        ("B", report.b, [one.b for one in report.parts]),
    ):
        parts = subject.parts
        looked_at = {
            name for name, results in zip(names, tested, strict=True) if any(result.applicable for result in results)
        }
        left = sorted(
            (part for part in parts if part.name not in looked_at), key=lambda part: (-part.numbers, part.name)
        )
        total = sum(part.numbers for part in parts)
        if left and total:
            shown = [
                Phrase.of(
                    "parts.part",
                    kind=part.kind if part.kind != "other" else "tensors",
                    name=part.name,
                    share=share(part, parts),
                )
                for part in left[:_MOST_NAMED]
            ]
            values = {"share": sum(part.numbers for part in left) / total, "model": side, "parts": shown}
            more = len(left) - _MOST_NAMED
            found.append(
                Phrase.of("parts.not_looked_at.more", more=more, **values)
                if more > 0
                else Phrase.of("parts.not_looked_at", **values)
            )
    if any(one.verdict == "identical" for one in report.parts):
        found.append(Phrase.of("parts.public"))
    return tuple(found)


def _same(one: PartResult, pair: Pair, a: Parts, b: Parts, alpha: float) -> Phrase:
    """The sentence for a pair of parts in the headline with equal numbers, and the outcome of its tests."""
    words = said_of(pair, a, b)
    if one.adjusted_log10_p is None:
        return Phrase.of("part.same.untested", pair=words)
    seen = one.adjusted_log10_p <= log10(alpha)
    return Phrase.of("part.same.found" if seen else "part.same", pair=words, p=_p(one, alpha))


def _sentence(one: PartResult, pair: Pair, a: Parts, b: Parts, alpha: float) -> Phrase | None:
    """The finding on a further pair of parts; None if nothing was found."""
    words = said_of(pair, a, b)
    if one.verdict == "identical":
        return Phrase.of("part.identical" if pair.understood else "part.identical.strange", pair=words)
    if not pair.understood:
        return None
    if one.verdict == "untestable" or one.adjusted_log10_p is None:
        return Phrase.of("part.untestable", pair=words)
    return Phrase.of(f"part.{one.verdict}", pair=words, p=_p(one, alpha))


def _p(one: PartResult, alpha: float) -> Phrase:
    return Phrase.of("p", log10_p=one.adjusted_log10_p, alpha=alpha)


def _equal_tensors(report: ClaimReport) -> Phrase:
    equal = report.equal_tensors
    assert equal is not None
    amounts = {}
    for side, subject in (("a", report.a), ("b", report.b)):
        total = sum(part.numbers for part in subject.parts)
        amounts[side] = (
            Phrase.of("parts.amount", share=equal.numbers / total, model=side.upper())
            if total
            else Phrase.of("parts.amount.unknown", model=side.upper())
        )
    names = [f"{name!r:.80}" for name in equal.names[:_MOST_NAMED]]
    return Phrase.of("parts.equal_tensors", tensors=equal.tensors, numbers=equal.numbers, names=names, **amounts)
