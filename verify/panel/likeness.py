"""The claim's own kind: its number of pairs is the denominator of a p-value that is shown beside the primary one.

By an earlier rule it was the primary one, and reports of that rule replay by it. Since most panels hold few models of
one kind it gave hardly any verdict; the rank among twins (`twins`) took its place.

Two unrelated models trained on one text resemble each other more than two trained on different texts, so a pair of
one corpus ranks first in a panel of other corpora without any relation, and the larger the panel, the smaller its
rank over the number of all pairs. So the rank is divided by the number of pairs of the claim's *own kind*: pairs of
models with the stratum (type, depth, vocabulary) *and* the corpus of A or, for the other model, of B. With k members
like them these are (k + 2)(k + 1) / 2 pairs if A and B are of one kind, and (k_A + 1)(k_B + 1) if they are of two.

Validity. ``inference.ranking`` (own kind) proves that p is super-uniform if A and B are exchangeable with the members
of their own kind, whatever the other members are, and also if all members are exchangeable.

Kinds are declared, for members in the panel's record and for A and B by the caller, and never depend on a score. An
undeclared corpus matches no other. The number of like members that the earlier rule asked for follows from the level
alone: 13 at .01 and 5 at .05 for one kind, and at least one member like each of A and B.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil, isqrt
from typing import Protocol

from .. import inference
from ..base import Record
from .designs import OWN_KIND


class Declared(Protocol):
    """Declarations of a member."""

    @property
    def stratum(self) -> str: ...  # noqa: D102

    @property
    def corpus(self) -> str: ...  # noqa: D102


class Likeness(Record):
    """Numbers of members like one of the two models."""

    stratum: int = 0
    """Number of members of its stratum."""
    corpus: int = 0
    """Number of members trained on its declared corpus."""
    both: int = 0
    """Number of members with both: those of its own kind."""


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


def own_kind_design(strata: Sequence[str], corpora: Sequence[str]) -> inference.Design:
    """The design of the claim's own kind or kinds, for A, B and members in that order.

    Examples
    --------
    >>> len(own_kind_design(["s"] * 5, ["text", "text", "text", "text", "other"]).orbit)
    6
    >>> len(own_kind_design(["s"] * 5, [""] * 5).orbit)  # an undeclared corpus matches no other
    1
    """
    kinds = [(stratum, corpus or i) for i, (stratum, corpus) in enumerate(zip(strata, corpora, strict=True))]
    own = inference.stratum_design(kinds)
    return replace(own, id=OWN_KIND)


def pairs_needed(alpha: float) -> int:
    """Number of pairs for a rank to reach a level: the smallest m with 1 / m <= alpha."""
    return ceil((1 - 1e-9) / max(alpha, 1e-300))


def like_needed(alpha: float) -> int:
    """Number of members of one kind with A and B to reach a level: the smallest k with (k+2)(k+1)/2 >= 1/level.

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
