r"""The first stage: every pair of a tile of models, by matrix products over the same layers of both.

Statistics. Counts as the exact tests make them, with the same definition of the unique best match and the same margin
(``statistics.matching``), on a fixed part of each fingerprint (``screen.sketches``), without alignment of layers and
without a look for ties: hidden units and value channels at the same index, by weights and by responses; signs that
agree; residual dimensions at the same index and of the same sign. A pair *passes* if one of the counts is at most as
probable as the level, or if none of them can be made although an exact test applies.

Theorem (selection is free). For a pair let ``p`` be the p-value of the full exact tests, super-uniform under the
null hypothesis, and ``S`` the event that the pair passes, whatever its dependence on ``p``. Let ``p' = p`` on ``S``
and 1 elsewhere. Then ``p'`` is super-uniform, and adjustments of all ``p'`` over *all* pairs (Holm's for the
family-wise error, Benjamini and Yekutieli's for false discoveries) are valid.
Proof. ``p' >= p``, so ``P(p' <= u) <= P(p <= u) <= u``. Both adjustments hold for super-uniform p-values under any
dependence. ∎
So a p-value is never divided by the chance of passing, and the first stage needs no validity of its own: a
first-stage count decides what is looked at, never what is said.

Power. Relatives may be missed. A count of units at least ``critical_count`` (of signs, ``critical_agreement``)
passes; if each of ``n`` same-layer units keeps its index as unique best match independently with probability at least
``s``, ``detectable_share(n, L, level, .999)`` is the ``s`` from which the pair passes with probability at least .999.
Not seen: a relative all of whose layers stand at another depth and whose embedding basis changed, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ..fingerprint import Fingerprint, difference, shared_anchors, unit_rows
from ..inference import critical_agreement, critical_count, log10_p_fixed_points, log10_p_signs
from ..statistics import (
    EXACT_TESTS,
    RESPONSE_IDENTITY,
    SIGN_AGREEMENT,
    STREAM_IDENTITY,
    UNIT_IDENTITY,
    VALUE_IDENTITY,
)
from ..statistics.applicability import both_mlps, linear_values, odd_in_up
from ..statistics.matching import MARGIN
from ..statistics.result import Law
from .sketches import BUNDLES, FirstSketch, stream_dimensions

Floats = NDArray[np.float32]
Counts = NDArray[np.int64]

_AT_ONCE = 1 << 21  # scores in memory


@dataclass(frozen=True)
class Tally:
    """One statistic of every pair of two runs of models."""

    statistic: str
    law: Law
    counts: Counts
    """Shape [models of A, models of B]."""
    n: Counts
    """Indices compared, or signs that are not zero; same shape."""
    groups: int
    """Independent groups L; 0 for signs."""

    def passing(self, level: float) -> NDArray[np.bool_]:
        """Whose probability is at most ``10**level``; shape [models of A, models of B]."""
        needed = np.empty(self.n.shape)
        for n in np.unique(self.n):
            needed[self.n == n] = _needed(self.law, int(n), self.groups, level)
        passing: NDArray[np.bool_] = self.counts >= needed
        return passing

    def log10_p(self, i: int, j: int) -> float:
        """Of one pair."""
        count, n = int(self.counts[i, j]), int(self.n[i, j])
        return log10_p_signs(count, n) if self.law == "signs" else log10_p_fixed_points(count, self.groups)


@dataclass(frozen=True)
class TileResult:
    """What the first stage found in a tile."""

    passing: list[tuple[int, int, dict[str, float]]]
    """Positions of both models, and log10 p by statistic."""
    identical: list[tuple[int, int]]
    """Pairs of the same weights."""
    untestable: list[tuple[str, int]]
    """Reason, and number of pairs."""
    sizes: list[tuple[str, Law, int, int]]
    """Statistic, law, n and L of what was counted: what the power depends on."""
    tested: int
    """Pairs whose counts were made."""
    refused: list[tuple[int, int]]
    """Position of a model, and number of its pairs that no exact test applies to."""


def tile(
    first: Sequence[FirstSketch], second: Sequence[FirstSketch], starts: tuple[int, int], level: float
) -> TileResult:
    """Every pair of a model of ``first`` with one of ``second``; each pair once where both are the same stretch.

    Parameters
    ----------
    first, second : models in the order of their signatures.
    starts : positions of their first models; equal where ``first`` is ``second``.
    level : log10 of the level of each statistic.
    """
    passing: list[tuple[int, int, dict[str, float]]] = []
    identical: list[tuple[int, int]] = []
    tested, same = 0, starts[0] == starts[1]
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
            tallies = tally(run_a, run_b)
            passes = np.logical_or.reduce([t.passing(level) for t in tallies]) if tallies else wanted
            for x, y in np.argwhere(passes & wanted):
                found = {t.statistic: t.log10_p(int(x), int(y)) for t in tallies}
                passing.append((at[0] + int(x), at[1] + int(y), found))
            sizes |= {(t.statistic, t.law, int(t.n.max()), t.groups): None for t in tallies}
            tested += number
    return TileResult(passing, identical, list(untestable.items()), list(sizes), tested, list(refused.items()))


def untestable_because(a: FirstSketch, b: FirstSketch) -> str | None:
    """Why no exact test applies to two models, or None."""
    if a.record.sketch != b.record.sketch:
        return "the fingerprints were made under different sketches"
    x, y = (Fingerprint(s.record.model_copy(update={"name": n}), {}) for s, n in ((a, "one"), (b, "the other")))
    reasons = [test.refuse(x, y) for test in EXACT_TESTS]
    if any(reason is None for reason in reasons):
        return None
    return "; ".join(dict.fromkeys(reason for reason in reasons if reason is not None))


def tally(first: Sequence[FirstSketch], second: Sequence[FirstSketch]) -> list[Tally]:
    """All statistics that can be made of two runs of models, each of one signature."""
    a, b = (Fingerprint(run[0].record, {}) for run in (first, second))
    made: list[Tally | None] = []
    shared = shared_anchors(a.record, b.record)

    def applies(reason: str | None) -> bool:
        return reason is None

    stacks = _Stack(first, shared), _Stack(second, shared)
    if applies(UNIT_IDENTITY.refuse(a, b)):
        fixed, flipping = (("gate",), ("up",)) if a.record.architecture.gated else (("up",), ())
        made.append(_identity("units", stacks, [(kind, fixed, flipping) for kind in BUNDLES]))
    if applies(VALUE_IDENTITY.refuse(a, b)):
        made.append(_identity("values", stacks, [("values", (), ("v", "o"))]))
    if applies(RESPONSE_IDENTITY.refuse(a, b)):
        if applies(both_mlps(a, b)):
            made.append(_identity("unit responses", stacks, [(kind, ("response",), ()) for kind in BUNDLES]))
        if applies(linear_values(a, b)):
            made.append(_identity("value responses", stacks, [("values", (), ("response",))]))
    if applies(SIGN_AGREEMENT.refuse(a, b)):
        if applies(both_mlps(a, b)) and applies(odd_in_up(a, b)):
            made.append(_signs("unit signs", stacks, [(kind, ("up", "down")) for kind in BUNDLES]))
        if applies(linear_values(a, b)):
            made.append(_signs("value signs", stacks, [("values", ("v", "o"))]))
    if applies(STREAM_IDENTITY.refuse(a, b)):
        made += _stream(stacks, signed=a.record.architecture.norm == b.record.architecture.norm == "rms")
    return [t for t in made if t is not None]


class _Stack:
    """Models of one signature side by side."""

    def __init__(self, models: Sequence[FirstSketch], anchors: NDArray[np.int64]) -> None:
        self.one, self._models = models[0], models
        self._where = np.searchsorted(models[0].record.anchors, anchors)

    def __len__(self) -> int:
        return len(self._models)

    def has(self, name: str) -> bool:
        """Whether the models hold an array."""
        return name in self.one.arrays

    def stacked(self, name: str, groups: Sequence[int], at: NDArray[np.intp]) -> Floats:
        """Vectors [groups, copies, n, models, k] at some groups and indices; responses on the shared anchors."""
        parts = [model.arrays[name][groups][:, :, at] for model in self._models]
        if name.endswith(".response") and len(self._where) < len(self.one.record.anchors):
            parts = [_cut(part, self._where) for part in parts]
        return np.ascontiguousarray(np.stack(parts, axis=3).astype(np.float32))

    def stream(self, role: str) -> Floats:
        """Residual dimensions [dimensions, models, anchors] on the shared anchors."""
        parts = [model.arrays[f"stream.{role}"] for model in self._models]
        if len(self._where) < len(self.one.record.anchors):
            parts = [unit_rows(part[:, self._where]) for part in parts]
        return np.ascontiguousarray(np.stack(parts, axis=1).astype(np.float32))


def _cut(x: NDArray[np.float16], where: NDArray[np.intp]) -> NDArray[np.float16]:
    """Responses on fewer anchors, centred again, as the exact test sees them."""
    kept = x[..., where].astype(np.float64)
    return unit_rows(kept - kept.sum(-1, keepdims=True) / max(1, len(where)))


Pair = tuple[_Stack, _Stack]


def _common(stacks: Pair, kind: str) -> tuple[list[list[int]], list[NDArray[np.intp]]] | None:
    """Positions, in both models, of the groups and of the indices that both have; None if there are none."""
    groups = [stack.one.groups[kind] for stack in stacks]
    both = [group for group in groups[0] if group in set(groups[1])]
    if not both:
        return None
    indices = [stack.one.indices(kind) for stack in stacks]
    common = np.intersect1d(indices[0], indices[1], assume_unique=True)
    if not len(common):
        return None
    return [[own.index(group) for group in both] for own in groups], [np.searchsorted(own, common) for own in indices]


def _both(
    stacks: Pair,
    names: Sequence[str],
    groups: list[list[int]],
    at: list[NDArray[np.intp]],
) -> list[tuple[Floats, Floats]]:
    """Vectors of those arrays that both models have."""
    shared = [name for name in names if all(stack.has(name) for stack in stacks)]
    return [(stacks[0].stacked(name, groups[0], at[0]), stacks[1].stacked(name, groups[1], at[1])) for name in shared]


def _identity(
    statistic: str, stacks: Pair, parts: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> Tally | None:
    """Fixed points of the unique best match, pooled over kinds of groups."""
    total, n, independent = np.zeros((len(stacks[0]), len(stacks[1])), dtype=np.int64), 0, 0
    for kind, fixed, flipping in parts:
        if (found := _common(stacks, kind)) is None:
            continue
        groups, at = found
        x = _both(stacks, [f"{kind}.{role}" for role in fixed], groups, at)
        y = _both(stacks, [f"{kind}.{role}" for role in flipping], groups, at)
        if not x + y:
            continue
        total += fixed_point_counts(x, y)
        n, independent = n + len(groups[0]) * len(at[0]), independent + len(groups[0])
    return Tally(statistic, "fixed_points", total, np.full(total.shape, n), independent) if independent else None


def fixed_point_counts(fixed: list[tuple[Floats, Floats]], flipping: list[tuple[Floats, Floats]]) -> Counts:
    """Fixed points of every pair of models, summed over groups: ``fixed_points(score(...))`` for whole tiles.

    Parameters
    ----------
    fixed, flipping : vectors of A and of B, each [groups, copies, n, models, k], as in ``statistics.blocks``.

    Returns
    -------
    Counts [models of A, models of B]
    """
    everything = fixed + flipping
    parts = len(everything)
    groups, _, n, models_a, _ = everything[0][0].shape
    models_b = everything[0][1].shape[3]
    dead = [np.where(np.all([pair[side].any(-1) for pair in everything], axis=0), 0, -np.inf) for side in (0, 1)]
    masked = any(d.any() for d in dead)
    x, y = (_side_by_side(pairs) for pairs in (fixed, flipping))
    total = np.zeros((models_b, models_a), dtype=np.int64)
    step = max(1, _AT_ONCE // (n * models_a * n * models_b))
    for at in range(0, groups, step):
        here = slice(at, at + step)
        best: Floats | None = None
        for e in range(everything[0][0].shape[1]):
            for f in range(everything[0][1].shape[1]):
                scores = _products(x, here, e, f)
                turned = _products(y, here, e, f)
                if turned is not None:
                    np.abs(turned, out=turned)
                    scores = turned if scores is None else np.add(scores, turned, out=scores)
                assert scores is not None
                if masked:
                    a, b = (d[here, c].reshape(len(scores), -1) for d, c in zip(dead, (e, f), strict=True))
                    scores += (b[:, :, None] + a[:, None, :]).astype(np.float32)
                best = scores if best is None else np.maximum(best, scores, out=best)
        assert best is not None
        table = best.reshape(-1, n, models_b, n, models_a)
        diagonal = np.einsum("gujui->guji", table)
        top = diagonal.copy()
        diagonal[...] = -np.inf
        others = np.maximum(table.max(1), -parts).transpose(0, 2, 1, 3)
        total += (top - np.float32(MARGIN * parts) > others).sum((0, 1))
    return total.T


def _side_by_side(pairs: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats] | None:
    """Vectors whose cosines are added, as one longer vector."""
    if not pairs:
        return None
    a, b = (np.concatenate([pair[side] for pair in pairs], axis=-1) for side in (0, 1))
    return a, b


def _products(pair: tuple[Floats, Floats] | None, here: slice, e: int, f: int) -> Floats | None:
    """Inner products [groups, n of B * models of B, n of A * models of A]."""
    if pair is None:
        return None
    a, b = (x[here, c] for x, c in zip(pair, (e, f), strict=True))
    products: Floats = b.reshape(len(b), -1, b.shape[-1]) @ a.reshape(len(a), -1, a.shape[-1]).swapaxes(1, 2)
    return products


def _signs(statistic: str, stacks: Pair, parts: list[tuple[str, tuple[str, ...]]]) -> Tally | None:
    """Positive inner products at the same index, summed over copies."""
    shape = len(stacks[0]), len(stacks[1])
    positive, n, any_part = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64), False
    for kind, roles in parts:
        if (found := _common(stacks, kind)) is None:
            continue
        both = _side_by_side(_both(stacks, [f"{kind}.{role}" for role in roles], *found))
        if both is None:
            continue
        any_part = True
        a, b = (x.sum(1).reshape(-1, x.shape[3], x.shape[4]) for x in both)
        more, nonzero = _sign_counts(a @ b.swapaxes(1, 2))
        positive, n = positive + more, n + nonzero
    return Tally(statistic, "signs", positive, n, 0) if any_part else None


def _stream(stacks: Pair, *, signed: bool) -> list[Tally]:
    """Residual dimensions of the same index and, under RMS norm, of the same sign."""
    roles = [role for role in ("embed", "unembed") if all(stack.has(f"stream.{role}") for stack in stacks)]
    if not roles:
        return []
    dimensions = stream_dimensions(stacks[0].one.record)
    a, b = ([stack.stream(role) for role in roles] for stack in stacks)
    some = [(x[None, None, dimensions], y[None, None, dimensions]) for x, y in zip(a, b, strict=True)]
    # |mean of cosines| is one flipping vector of all roles, and its margin that of a mean
    counts = fixed_point_counts([], some) if signed else fixed_point_counts(some, [])
    made = [Tally("stream order", "fixed_points", counts, np.full(counts.shape, len(dimensions)), 1)]
    if signed:
        alive_a, alive_b = (np.all([x.any(-1) for x in roles_of], axis=0) for roles_of in (a, b))
        products = np.concatenate(a, axis=-1) @ np.concatenate(b, axis=-1).swapaxes(1, 2)
        products *= alive_a[:, :, None] & alive_b[:, None, :]
        made.append(Tally("stream signs", "signs", *_sign_counts(products), 0))
    return made


def _sign_counts(numbers: Floats) -> tuple[Counts, Counts]:
    """Positive, and not zero, along the first axis."""
    return (numbers > 0).sum(0), (numbers != 0).sum(0)


def _runs(models: Sequence[FirstSketch]) -> Iterator[tuple[int, list[FirstSketch]]]:
    """Stretches of models of one signature, each with the position of its first."""
    at = 0
    for _, run in groupby(models, key=lambda model: model.signature):
        members = list(run)
        yield at, members
        at += len(members)


def _identical(first: Sequence[FirstSketch], second: Sequence[FirstSketch]) -> NDArray[np.bool_]:
    """Pairs of the same learned tensors or, where not all were read, of the same files; shape [first, second].

    As ``claim.conclude.identical`` says of one pair. Models that state the same weights and hold other numbers are
    not: one of them states what is not so, and what they hold is tested as that of any two models is.
    """
    content, files = (_equal(first, second, key) for key in (_content, _files))
    whole_a, whole_b = (np.array([model.whole for model in run]) for run in (first, second))
    same: NDArray[np.bool_] = np.where(whole_a[:, None] & whole_b, content, files)
    for x, y in np.argwhere(same):
        same[x, y] = first[x] is second[y] or not difference(first[x].arrays, second[y].arrays)
    return same


def _equal(
    first: Sequence[FirstSketch], second: Sequence[FirstSketch], key: Callable[[FirstSketch], str]
) -> NDArray[np.bool_]:
    a, b = (np.array([key(model) for model in run]) for run in (first, second))
    equal: NDArray[np.bool_] = (a[:, None] == b) & (a != "")[:, None]
    return equal


def _content(model: FirstSketch) -> str:
    return model.record.content_sha256


def _files(model: FirstSketch) -> str:
    """Of all files, and how they are understood; empty where one was not read whole."""
    digests = sorted(file.sha256 or "" for file in model.record.files)
    if not digests or "" in digests:
        return ""
    return " ".join([*digests, model.record.architecture.model_dump_json()])


@lru_cache(maxsize=4096)
def _needed(law: Law, n: int, groups: int, level: float) -> float:
    """Smallest count that passes; infinity if none does."""
    if law == "signs":
        needed = critical_agreement(n, level)
        return float("inf") if needed is None else needed
    return critical_count(groups, level)
