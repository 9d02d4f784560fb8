"""Whether a panel holds models like those of a claim: without any, no rank among its members is a verdict.

Two strangers trained on one text resemble each other more than two trained on different texts, so a pair of one
corpus leads a panel of other corpora without any relation: then the ranks are right and the null hypothesis, that
the pair is exchangeable with the panel's, is not. What decides is declared, of members in the panel's record and of
A and B by whoever makes the claim, and never a score. A verdict needs ``NEEDED`` members that have the stratum (type,
depth, vocabulary) *and* the corpus of A, and as many that have those of B; where A and B differ in them, pairs of one
kind with the other are then in the panel too. An undeclared corpus is shared with nobody.

This is a condition for looking, not a proof: see ``benchmarks/tables/panel_strangers.md`` for what was measured with
it and without.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from ..base import Record

if TYPE_CHECKING:
    from .evidence import PanelUse

NEEDED = 4
"""Members of the stratum and corpus of A, and of B, from which a panel test may enter a verdict.

With k of them the claim is one of (k + 2)(k + 1) / 2 pairs of its own kind: 3 with one, 15 with four, 105 with 13,
which could reach .01 by themselves. No rate was measured that tells one from nine, so this is a choice, on the
cautious side of what small panels have.
"""


class Declared(Protocol):
    """What is declared of a member."""

    @property
    def stratum(self) -> str: ...  # noqa: D102

    @property
    def corpus(self) -> str: ...  # noqa: D102


class Likeness(Record):
    """How many members are like one of the two models."""

    stratum: int = 0
    """Members of its stratum."""
    corpus: int = 0
    """Members trained on the corpus declared for it."""
    both: int = 0
    """Members of which both hold."""


def likeness(members: Iterable[Declared], stratum: str, corpus: str) -> Likeness:
    """Count the members like a model of a stratum and a declared corpus."""
    found = [(member.stratum == stratum, bool(corpus) and member.corpus == corpus) for member in members]
    return Likeness(
        stratum=sum(of_stratum for of_stratum, _ in found),
        corpus=sum(of_corpus for _, of_corpus in found),
        both=sum(of_stratum and of_corpus for of_stratum, of_corpus in found),
    )


def unlike(use: PanelUse) -> str | None:
    """Why no rank among the members used is a verdict, by what is declared; None where one is."""
    sides = (("A", use.stratum_a, use.corpus_a, use.like_a), ("B", use.stratum_b, use.corpus_b, use.like_b))
    undeclared = " and ".join(side for side, _, corpus, _ in sides if not corpus)
    if undeclared:
        return (
            f"the text behind {undeclared} is not declared, and strangers trained on one text lead a "
            "panel of other texts; name it with `--corpus` as the panel's members do, or build a panel of models "
            "trained on it"
        )
    for side, stratum, corpus, like in sides:
        if like.both < NEEDED:
            return (
                f"of the panel's members {like.stratum} are of the stratum of {side} ({stratum!r:.120}), "
                f"{like.corpus} were trained on its declared corpus ({corpus!r:.120}) and {like.both} are both, "
                f"where {NEEDED} are needed; build a panel that holds them"
            )
    return None
