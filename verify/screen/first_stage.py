r"""The first stage: every pair of a tile of models, by matrix products over the same layers of both.

Statistics. The counts of the exact tests, with the same unique best match and margin (``statistics.matching``), on a
fixed part of each fingerprint (``screen.sketches``), without alignment of layers and without looking for ties:
everything that the exact tests declare to count at equal indices (``statistics.counted``), each source of blocks
separately; signs one index at a time. A test that does not declare what it counts has no count here. A pair *passes*
if the p-value of one count is at most the level, or if no count can be made although an exact test applies.

Theorem (selection is free). For a pair let ``p`` be the p-value of the full exact tests, super-uniform under the null
hypothesis, and ``S`` the event that the pair passes, whatever its dependence on ``p``. Let ``p' = p`` on ``S`` and 1
elsewhere. Then ``p'`` is super-uniform, and adjustments of all ``p'`` over *all* pairs (Holm's for the family-wise
error, Benjamini and Yekutieli's for false discoveries) are valid. Proof. ``p' >= p``, so ``P(p' <= u) <= P(p <= u) <=
u``. Both adjustments hold for super-uniform p-values under any dependence. ∎ So p-values need no correction for the
selection, and the first stage need not be valid itself: its counts decide which pairs are tested, never what is
concluded.

Power. The first stage may miss related pairs. A count of units at least ``critical_count`` (of signs,
``critical_agreement``) passes; if each of ``n`` same-layer units keeps its index as unique best match independently
with probability at least ``s``, ``detectable_share(n, L, level, .999)`` is the ``s`` from which the pair passes with
probability at least .999. Not detected: a related model all of whose layers moved to another depth and whose
embedding basis changed too, if the two have no unused tokens in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import difference, same_weights, stated_weights
from ..statistics import EXACT_TESTS
from ..statistics.result import Law
from ..wording import say
from .counts import Read, Tally, reader, tally
from .sketches import FirstSketch

_CALLED = {"A": "one model", "B": "the other"}


@dataclass(frozen=True)
class TileResult:
    """Result of the first stage for one tile."""

    passing: list[tuple[int, int, dict[str, float]]]
    """Positions of both models, and log10 p by statistic."""
    identical: list[tuple[int, int]]
    """Pairs of the same weights."""
    untestable: list[tuple[str, int]]
    """Number of untestable pairs, by reason."""
    sizes: list[tuple[str, Law, int, int]]
    """Statistic, null distribution, n and L of every count, which determine the power."""
    tested: int
    """Number of pairs with counts."""
    refused: list[tuple[int, int]]
    """Number of pairs that no exact test applies to, by position of a model."""


def tile(
    first: Sequence[FirstSketch], second: Sequence[FirstSketch], starts: tuple[int, int], log10_level: float
) -> TileResult:
    """Compare every model of ``first`` with every model of ``second``; each pair once if both are the same stretch.

    Parameters
    ----------
    first, second : models in the order of their signatures.
    starts : positions of their first models; equal where ``first`` is ``second``.
    log10_level : log10 of the level of each statistic.
    """
    passing: list[tuple[int, int, dict[str, float]]] = []
    identical: list[tuple[int, int]] = []
    tested, same, read = 0, starts[0] == starts[1], reader()
    sizes: dict[tuple[str, Law, int, int], None] = {}
    untestable: dict[str, int] = {}
    refused: dict[int, int] = {}
    for i, run_a in _runs(first):
        for j, run_b in _runs(second):
            if same and j < i:
                continue
            wanted = np.ones((len(run_a), len(run_b)), dtype=bool)
            if same and i == j:
                wanted = np.triu(wanted, 1)
            twins = wanted & _identical(run_a, run_b)
            at = starts[0] + i, starts[1] + j
            identical.extend((at[0] + int(x), at[1] + int(y)) for x, y in np.argwhere(twins))
            wanted &= ~twins
            if not wanted.any():
                continue
            number, reason = int(wanted.sum()), untestable_because(run_a[0], run_b[0])
            if reason is not None:
                untestable[reason] = untestable.get(reason, 0) + number
                for first_at, sums in ((at[0], wanted.sum(1)), (at[1], wanted.sum(0))):
                    for n in np.flatnonzero(sums):
                        refused[first_at + int(n)] = refused.get(first_at + int(n), 0) + int(sums[n])
                continue
            tallies = tallied(run_a, run_b, read)
            passes = np.logical_or.reduce([t.passing(log10_level) for t in tallies]) if tallies else wanted
            for x, y in np.argwhere(passes & wanted):
                found = {t.statistic: t.log10_p(int(x), int(y)) for t in tallies}
                passing.append((at[0] + int(x), at[1] + int(y), found))
            sizes |= {(t.statistic, t.law, int(t.n.max()), t.groups): None for t in tallies}
            tested += number
    return TileResult(passing, identical, list(untestable.items()), list(sizes), tested, list(refused.items()))


def untestable_because(a: FirstSketch, b: FirstSketch) -> str | None:
    """Why no exact test applies to two models, in words; None if one does."""
    if a.record.sketch != b.record.sketch:
        return "the fingerprints were made under different sketches"
    reasons = [test.refusal(a.bare, b.bare) for test in EXACT_TESTS]
    if any(reason is None for reason in reasons):
        return None
    said = (say(reason, names=_CALLED) for reason in reasons if reason is not None)
    return "; ".join(dict.fromkeys(said))


def tallied(first: Sequence[FirstSketch], second: Sequence[FirstSketch], read: Read) -> list[Tally]:
    """All statistics that can be counted for two runs of models, each of one signature.

    Parameters
    ----------
    first, second : models of A and of B, each run of one signature.
    read : reads the blocks of a model.

    Returns
    -------
    list of Tally
        One for each statistic that can be counted.
    """
    a, b = first[0].bare, second[0].bare
    made = [
        tally(counted.law, source, first, second, read)
        for test in EXACT_TESTS
        if test.refusal(a, b) is None
        for counted in test.describe(a, b).counted
        if counted.same_index
        for source in counted.sources
    ]
    return [one for one in made if one is not None]


def _runs(models: Sequence[FirstSketch]) -> Iterator[tuple[int, list[FirstSketch]]]:
    """Stretches of models of one signature, each with the position of its first."""
    at = 0
    for _, run in groupby(models, key=lambda model: model.signature):
        members = list(run)
        yield at, members
        at += len(members)


def _identical(first: Sequence[FirstSketch], second: Sequence[FirstSketch]) -> NDArray[np.bool_]:
    """Pairs of the same weights, by ``fingerprint.identical``; shape [first, second].

    Models that state the same weights but hold different numbers do not count: one statement is false, so they are
    tested like any two models.
    """
    a, b = ([stated_weights(model.record, whole=model.whole) for model in run] for run in (first, second))
    same = np.array([[same_weights(x, y) for y in b] for x in a])
    for x, y in np.argwhere(same):
        same[x, y] = first[x] is second[y] or not difference(first[x].part.arrays, second[y].part.arrays)
    return same
