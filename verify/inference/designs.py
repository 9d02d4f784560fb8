r"""Designs: the comparisons that a claim is ranked among, and the null hypothesis behind them.

Setting. Models are numbered ``0 .. n-1``: A is 0, B is 1, the panel follows, so ``n = M + 2``; the claim is
the comparison of 0 with 1. A design names sets of models (``groups``) that are exchangeable under its null.

Theorem (designs). If relabelling the models within each of ``groups``, independently, leaves the distribution of the
symmetric score array unchanged, the rank of the claim in ``orbit`` gives a super-uniform p-value.

Proof. ``orbit`` is the orbit of the claim under ``G``, the product of the symmetric groups of ``groups``,
since a symmetric group carries any model (any two models) of its set to any other:

- one group with A and B in it: all unordered pairs of the group (``pair``, ``stratum``; ``family`` in `families`);
- one group with B in it and A fixed: all pairs of A with the group (``row_a``; ``row_b`` likewise);
- two groups, one with A, one with B: all pairs of one with the other (``two_strata``).

The theorem of `orbit` then applies. A design is a function of declared labels alone, hence fixed before
any score is seen, as the theorem needs; it would fail for a design chosen by the scores. ∎
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..base import StatisticsError

CHANCE = "so the pair labelled (A, B) is exchangeable with every other pair of these models"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """A null hypothesis in words, its exchangeable groups, and the orbit [k, 2] of the claim (read-only)."""

    id: str
    null: str
    groups: tuple[tuple[int, ...], ...]
    models: tuple[int, ...]
    orbit: NDArray[np.int64]
    claim: int

    @property
    def bipartite(self) -> bool:
        """Whether the orbit pairs one group of models with another."""
        return len(self.groups) == 2

    @property
    def row(self) -> bool:
        """Whether one model of the claim is fixed."""
        return sum(map(len, self.groups)) < len(self.models)


@lru_cache(maxsize=4)  # every statistic of a claim is ranked by the same
def pair_design(n: int) -> Design:
    """All pairs of ``n`` models: A and B are both exchangeable with the panel.

    Examples
    --------
    >>> len(pair_design(22).orbit)  # a panel of 20: the smallest p is 1/231
    231
    """
    words = f"A and B are unrelated and could each have been any of the models of the panel, {CHANCE}."
    return within("pair", words, tuple(range(at_least_two(n))))


def row_design(n: int, fixed: int) -> Design:
    """All pairs of A (``fixed=0``) or B (``fixed=1``) with the others, of which there are M + 1."""
    if fixed not in (0, 1):
        raise StatisticsError(f"The fixed model of a row is {fixed}; give 0 for A or 1 for B.")
    held, other = "AB"[fixed], "BA"[fixed]
    words = (
        f"{held} is taken as it is, whatever its peculiarities; {other} is unrelated to it and could have been any "
        "of the models of the panel, so the comparison of A with B is exchangeable with those of "
        f"{held} with the others."
    )
    others = tuple(j for j in range(at_least_two(n)) if j != fixed)
    return _design(f"row_{held.lower()}", words, (others,), [(fixed, j) for j in others])


def stratum_design(labels: Sequence[Hashable]) -> Design:
    """All pairs within the stratum of the claim, or between the two strata of A and of B.

    Parameters
    ----------
    labels : sequence [n]
        The stratum of each model (architecture, depth, tokenizer, ...), declared before any score is seen.
    """
    at_least_two(len(labels))
    of_a, of_b = (tuple(i for i, label in enumerate(labels) if label == labels[end]) for end in (0, 1))
    if of_a == of_b:
        words = (
            f"A and B are unrelated and could each have been any of the panel models of their kind ({labels[0]}), "
            f"{CHANCE}."
        )
        return within("stratum", words, of_a)
    words = (
        f"A and B are unrelated; A could have been any of the panel models of its own kind ({labels[0]}) and B any "
        f"of those of its own kind ({labels[1]}), so the pair labelled (A, B) is exchangeable with every pair of one "
        "model from each kind."
    )
    return _design("two_strata", words, (of_a, of_b), list(product(of_a, of_b)))


def within(kind: str, null: str, models: tuple[int, ...]) -> Design:
    """All pairs of models that are exchangeable with one another.

    Parameters
    ----------
    kind : name of the design.
    null : the null hypothesis in words.
    models : numbers of the exchangeable models, among them 0 and 1.

    Returns
    -------
    Design
        Its orbit is all pairs of these models.
    """
    first, second = np.triu_indices(len(models), 1)
    numbers = np.array(models, dtype=np.int64)
    return _design(kind, null, (models,), np.stack([numbers[first], numbers[second]], axis=1))


def at_least_two(n: int) -> int:
    """Return ``n``; refuse fewer than the two models of a claim."""
    if n < 2:
        raise StatisticsError(f"A design over {n} models has no claim; give at least A and B.")
    return n


def _design(kind: str, null: str, groups: tuple[tuple[int, ...], ...], pairs: ArrayLike) -> Design:
    orbit = np.array(pairs, dtype=np.int64)
    orbit.flags.writeable = False
    claim = int(np.flatnonzero((np.sort(orbit, axis=1) == (0, 1)).all(1))[0])
    models = tuple(np.unique(orbit).tolist())
    return Design(id=kind, null=null, groups=groups, models=models, orbit=orbit, claim=claim)
