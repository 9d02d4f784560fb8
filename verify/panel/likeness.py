"""The claim's own kind: by it the panel's p-value is counted, and without enough of it no rank is a verdict.

Two strangers trained on one text resemble each other more than two trained on different texts, so a pair of one
corpus leads a panel of other corpora without any relation, and the larger the panel the smaller is its rank over the
number of all pairs. So the number of pairs that the rank is divided by is that of pairs of the claim's *own kind*: of
models that have the stratum (type, depth, vocabulary) *and* the corpus of A, and of those that have B's. With k
members like them it is (k + 2)(k + 1) / 2 if A and B are of one kind, and (k_A + 1)(k_B + 1) if they are of two.

Validity. ``inference.ranking`` (own kind) proves that p is super-uniform if A and B are exchangeable with the members
of their own kind, whatever the others are, and under the stronger assumption that all are exchangeable too.

What is of one kind is declared, of members in the panel's record and of A and B by whoever makes the claim, and never
a score. An undeclared corpus is shared with nobody. How many members like the claim's are needed follows from the
level alone: 13 at .01 and 5 at .05 for one kind. A verdict also needs at least one like each of A and B.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil, isqrt
from typing import TYPE_CHECKING, Protocol

from ..base import Phrase, Record
from ..inference import Design, stratum_design

if TYPE_CHECKING:
    from .evidence import PanelUse


OWN_KIND = "own_kind"
"""The design that the primary p-value is counted by."""


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
    """Members of which both hold: those of its own kind."""


def likeness(members: Iterable[Declared], stratum: str, corpus: str) -> Likeness:
    """Count the members like a model of a stratum and a declared corpus.

    Parameters
    ----------
    members : members of the panel.
    stratum : stratum of the model.
    corpus : declared corpus of the model; empty if not declared.

    Returns
    -------
    Likeness
        Counts of members.
    """
    found = [(member.stratum == stratum, bool(corpus) and member.corpus == corpus) for member in members]
    return Likeness(
        stratum=sum(of_stratum for of_stratum, _ in found),
        corpus=sum(of_corpus for _, of_corpus in found),
        both=sum(of_stratum and of_corpus for of_stratum, of_corpus in found),
    )


def own_kind_design(strata: Sequence[str], corpora: Sequence[str]) -> Design:
    """The pairs of the claim's own kind or kinds, of A, B and members in that order.

    Examples
    --------
    >>> len(own_kind_design(["s"] * 5, ["text", "text", "text", "text", "other"]).orbit)
    6
    >>> len(own_kind_design(["s"] * 5, [""] * 5).orbit)  # whose corpus is not declared is like nobody
    1
    """
    kinds = [(stratum, corpus or i) for i, (stratum, corpus) in enumerate(zip(strata, corpora, strict=True))]
    own = stratum_design(kinds)
    return replace(own, id=OWN_KIND)


def own_pairs(use: PanelUse) -> int:
    """Pairs of the claim's own kind or kinds, by the counts of members like A and B."""
    if _one_kind(use):
        return (use.like_a.both + 2) * (use.like_a.both + 1) // 2
    return (use.like_a.both + 1) * (use.like_b.both + 1)


def pairs_needed(alpha: float) -> int:
    """The fewest pairs of which a rank can reach a level: the smallest m with 1 / m <= alpha."""
    return ceil((1 - 1e-9) / max(alpha, 1e-300))


def like_needed(alpha: float) -> int:
    """Members of one kind with A and B from which a level can be reached: the smallest k with (k+2)(k+1)/2 pairs.

    Examples
    --------
    >>> like_needed(0.01), like_needed(0.05)
    (13, 5)
    """
    pairs = pairs_needed(alpha)
    models = max(2, isqrt(2 * pairs))
    while models * (models - 1) < 2 * pairs:
        models += 1
    return models - 2


def unlike(use: PanelUse, searched: int = 1) -> Phrase | None:
    """Why no rank among the members used is a verdict, by what is declared; None where one is.

    Parameters
    ----------
    searched : pairs of models that were searched, which the level pays for.
    """
    if use.primary_design != OWN_KIND:  # of a report made before this rule
        return None
    sides = (("A", use.stratum_a, use.corpus_a, use.like_a), ("B", use.stratum_b, use.corpus_b, use.like_b))
    undeclared = " and ".join(side for side, _, corpus, _ in sides if not corpus)
    if undeclared:
        return Phrase.of("panel.corpus_undeclared", models=undeclared)
    alpha = use.alpha / searched
    pairs = pairs_needed(alpha)
    if own_pairs(use) >= pairs and min(use.like_a.both, use.like_b.both) > 0:
        return None
    one = _one_kind(use)
    counts = [
        Phrase.of(
            "panel.count.both" if one else "panel.count",
            model=side,
            stratum_name=stratum,
            corpus_name=corpus,
            **like.model_dump(),
        )
        for side, stratum, corpus, like in sides
    ]
    if one:
        return Phrase.of("panel.few_of_kind", counts=counts[:1], alpha=alpha, needed=max(1, like_needed(alpha)))
    return Phrase.of("panel.few_of_kinds", counts=counts, alpha=alpha, needed=max(1, isqrt(pairs - 1)))


def _one_kind(use: PanelUse) -> bool:
    return use.stratum_a == use.stratum_b and use.corpus_a == use.corpus_b != ""
