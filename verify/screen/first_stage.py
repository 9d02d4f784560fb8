r"""The first stage: every pair of a tile of models, by matrix products over the same layers of both.

Statistics. The counts of the exact tests, with the same unique best match and margin (``statistics.matching``), on a
fixed part of each fingerprint (``screen.sketches``), without alignment of layers and without looking for ties:
everything that the exact tests declare to count at equal indices (``statistics.counted``), each source of blocks
separately; signs one index at a time. A test that does not declare what it counts has no count here. A pair *passes*
if the p-value of one count is at most the level, or if no count can be made although an exact test applies.

Two steps. Bounds on all counts of a pair come first (``screen.bounds``), by products in single precision, and the
counts themselves are made of the pairs alone that the bounds do not rule out: a pair that is ruled out has no count
that could let it pass (theorem there), so the pairs that pass, and their p-values, are those of all counts.

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
from math import log10

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import difference, same_weights, stated_weights
from ..statistics import EXACT_TESTS, Source
from ..statistics.result import Law
from ..wording import say
from .bounds import MOST, Grades, graded
from .counts import Read, Tally, reader, tally
from .sketches import FirstSketch
from .stacks import Run, sketch_of

LARGEST_LEVEL = 0.01
"""Largest level of a statistic, unadjusted; a pair with no p-value below it is never looked at again."""

_CALLED = {"A": "one model", "B": "the other"}

Wanted = NDArray[np.bool_]
"""Pairs of a tile to compare; shape [models of A, models of B]."""


@dataclass(frozen=True)
class Comparison:
    """What the signatures of two models determine."""

    signatures: tuple[str, str]
    untestable: str | None
    """Why no exact test applies; None if one does."""
    sizes: list[tuple[str, Law, int, int]]
    """Statistic, null distribution, n and L of every count, which determine the power."""


@dataclass(frozen=True)
class TileBounds:
    """Bounds on the counts of one tile, which each pair has by itself: they depend on its two models alone."""

    grades: Grades
    """How small a p-value each pair can have (``bounds.least_grade``); 0 for those of the same weights."""
    identical: list[tuple[int, int]]
    """Positions of pairs of the same weights."""
    comparisons: list[Comparison]
    """Of the signatures of all pairs that are not of the same weights."""


@dataclass(frozen=True)
class TileResult:
    """Result of the first stage for one tile, which each pair has by itself: it depends on its two models alone."""

    found: list[tuple[int, int, dict[str, float]]]
    """Positions in the tile of two models of which a count has a p-value of at most ``LARGEST_LEVEL``, or of which
    there is no count; and log10 p by statistic."""
    identical: list[tuple[int, int]]
    """Positions of pairs of the same weights."""
    comparisons: list[Comparison]
    """Of the signatures of all pairs that are not of the same weights."""


def bound_tile(
    first: Sequence[Run], second: Sequence[Run], wanted: Wanted, alike: Sequence[tuple[int, int]], least: int = 0
) -> TileBounds:
    """Bound the counts of models of ``first`` with models of ``second``.

    Parameters
    ----------
    first, second : runs of models, each of one signature.
    wanted : the pairs to compare, shape [models of A, models of B].
    alike : positions of pairs that state the same weights.
    least : grade from which pairs are told apart, as in :func:`verify.screen.bounds.graded`.
    """
    grades = np.zeros(wanted.shape, np.uint8)
    comparisons: list[Comparison] = []
    same = np.zeros(wanted.shape, dtype=bool)
    files = [[file for run in side for file in run.files] for side in (first, second)]
    for x, y in alike:
        one, other = files[0][x], files[1][y]
        same[x, y] = one == other or not difference(sketch_of(one).part.arrays, sketch_of(other).part.arrays)
    same &= wanted
    for i, run_a in _from(first):
        for j, run_b in _from(second):
            rows, columns = slice(i, i + len(run_a.files)), slice(j, j + len(run_b.files))
            here = wanted[rows, columns] & ~same[rows, columns]
            if not here.any():
                continue
            a, b = run_a.first, run_b.first
            signatures = a.signature, b.signature
            if (reason := untestable_because(a, b)) is not None:
                comparisons.append(Comparison(signatures, reason, []))
                continue
            bounds = [graded(law, source, run_a, run_b, least) for law, source in _sources(a, b)]
            made = [one for one in bounds if one is not None]
            comparisons.append(Comparison(signatures, None, [(t.statistic, t.law, t.most, t.groups) for t in made]))
            largest = np.maximum.reduce([one.grades for one in made]) if made else np.uint8(MOST)
            grades[rows, columns] = np.where(here, largest, 0)
    return TileBounds(grades, [(int(x), int(y)) for x, y in np.argwhere(same)], comparisons)


def _from(runs: Sequence[Run]) -> Iterator[tuple[int, Run]]:
    """Runs with the positions of their first models."""
    at = 0
    for run in runs:
        yield at, run
        at += len(run.files)


def tile(first: Sequence[FirstSketch], second: Sequence[FirstSketch], wanted: Wanted | None = None) -> TileResult:
    """Compare models of ``first`` with models of ``second``.

    Parameters
    ----------
    first, second : models in the order of their signatures.
    wanted : the pairs to compare; None for all.
    """
    wanted = np.ones((len(first), len(second)), dtype=bool) if wanted is None else wanted
    found: list[tuple[int, int, dict[str, float]]] = []
    identical: list[tuple[int, int]] = []
    comparisons: list[Comparison] = []
    read = reader()
    for i, run_a in _runs(first):
        for j, run_b in _runs(second):
            here = wanted[i : i + len(run_a), j : j + len(run_b)]
            if not here.any():
                continue
            twins = here & _identical(run_a, run_b)
            identical.extend((i + int(x), j + int(y)) for x, y in np.argwhere(twins))
            here = here & ~twins
            if not here.any():
                continue
            signatures = run_a[0].signature, run_b[0].signature
            if (reason := untestable_because(run_a[0], run_b[0])) is not None:
                comparisons.append(Comparison(signatures, reason, []))
                continue
            tallies = tallied(run_a, run_b, read)
            comparisons.append(
                Comparison(signatures, None, [(t.statistic, t.law, t.most, t.groups) for t in tallies])
            )
            passes = np.logical_or.reduce([t.passing(log10(LARGEST_LEVEL)) for t in tallies]) if tallies else here
            for x, y in np.argwhere(passes & here):
                found.append((i + int(x), j + int(y), {t.statistic: t.log10_p(int(x), int(y)) for t in tallies}))
    return TileResult(found, identical, comparisons)


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
    made = [tally(law, source, first, second, read) for law, source in _sources(first[0], second[0])]
    return [one for one in made if one is not None]


def _sources(first: FirstSketch, second: FirstSketch) -> Iterator[tuple[Law, Source]]:
    """What is counted of two models at equal indices, and by which law."""
    a, b = first.bare, second.bare
    for test in EXACT_TESTS:
        if test.refusal(a, b) is None:
            for counted in test.describe(a, b).counted:
                if counted.same_index:
                    yield from ((counted.law, source) for source in counted.sources)


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
