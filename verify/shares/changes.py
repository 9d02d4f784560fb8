"""What a child and its candidates changed in a common base, tensor by tensor: counts of numbers that agree with sums.

P is the base, C the child and A_i a candidate, all rounded to one type, the coarsest that child or candidates have in
a tensor, so that a model that was only saved in a coarser type has changed nothing. Of each number that C changed it
is asked with which of the sums P + sum of w_i (A_i - P) over some candidates it agrees, up to rounding; the sums are
found in a sample of the tensor (:mod:`verify.shares.sums`), the counts are of all of its numbers.

*There is no null hypothesis* under which the counts had a law: changes of strangers share the base, and with it which
rows and columns move more, so permuting them rejects for strangers (docs/beyond.md). What stands in its place are
controls.

A number *tells* if C changed it by at least ``TELLS`` times its rounding, so that a change that is only like that of
C seldom comes within it; if neither C nor a candidate moved it by what looks like decay: a multiple of the base that
many numbers of the tensor have, as of tokens that no text has, of dead units, of pruned numbers, and of rows that
were scaled; and if C's change, but for one multiple of the base, is not of a size that many have, as after few steps
of a sign-based optimiser. Any training makes such changes, so a stranger's change is a multiple of C's there. Of a
tensor that C has on a grid coarser than its type nothing is judged: a stranger that was quantised likewise has the
same numbers (:mod:`verify.shares.common`).

A number counts *for* a candidate if it agrees with a sum of which this candidate's part is beyond rounding, and with
no sum without it. *Elsewhere* counts the same with that candidate's change, and no other, moved half a row: agreement
that changes of such sizes have anywhere, as where all are one step of an optimiser long. *Beside* counts the telling
numbers that agree with nothing and miss a sum with the candidate by up to ``BESIDE`` times the bounds: twice the
agreement by chance that a change has which is only like a parent's. A tensor is said to hold a candidate's change
(`holds`) if its own numbers are enough and several times the controls.

Where a candidate's change was made from another candidate's, such as a model that was trained on with frozen tensors,
a number that is alike in both counts for neither.

Numbers are read twice: a sample, and all by blocks of rows. Those that are not finite in a model count as unchanged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..base import Progress
from ..checkpoint import Beside, Opened, coarsest_type, each_beside, rounded, step
from .common import MOST, common_slopes, common_values, is_one_of, on_grid
from .sums import BESIDE, LEAST, MATTERS, SHARE, STEEP, Mask, Numbers, Sum, found_sums, residuals

Array = NDArray[np.float64]

ENTRIES = 1 << 20
"""Numbers in memory at a time."""
TELLS = 32.0
"""Times its rounding by which a number that tells was changed."""
ROUNDINGS = {"F64": 4.0, "F32": 4.0, "F16": 1.0, "BF16": 1.0}
"""Steps of the type that a number may be off: tools add whole models in 32 bits, with a rounding for each product."""
SLACK = {"F64": 2.0**-48, "F32": 2.0**-21, "F16": 2.0**-9, "BF16": 2.0**-6}
"""Largest error of a tool's product relative to it: a few roundings, where it computes in the type of the file."""
DECAYED = {"F64": 32.0, "F32": 32.0, "F16": 2.0, "BF16": 2.0}
"""Steps by which a number that only decayed may be off: decay comes step by step in the first two."""
HELD = SHARE
"""Smallest share of the telling numbers of a tensor that counts for a candidate whose change it holds."""
ELSEWHERE = 0.25
"""Largest share, of those, that may agree elsewhere."""
_SAMPLE = 1 << 12
_BLUR = 32.0  # roundings


class Own(NamedTuple):
    """Telling numbers of a tensor that count for one candidate."""

    agree: int = 0
    """Agree with a sum that has its change."""
    only: int = 0
    """Of those, agree with no sum that has not."""
    elsewhere: int = 0
    """Would, with its change moved half a row."""
    beside: int = 0
    """Agree with nothing and miss such a sum narrowly."""

    def __add__(self, other: tuple[int, ...]) -> Own:  # type: ignore[override]  # numbers, not a longer tuple
        return Own(*(a + b for a, b in zip(self, other, strict=True)))


def holds(own: Own, told: int) -> bool:
    """Whether a tensor holds a candidate's change.

    Parameters
    ----------
    own : the counts for the candidate.
    told : telling numbers of the tensor.
    """
    enough = own.only >= max(LEAST, HELD * told)
    return enough and own.elsewhere <= ELSEWHERE * own.only and STEEP * own.beside <= own.only


@dataclass
class Counts:
    """Numbers of one tensor, or of a block of it."""

    entries: int = 0
    """Finite in all models."""
    changed: int = 0
    """Not as in the base, in the child."""
    decayed: int = 0
    """Of those, what looks like decay of child or candidate, and tells nothing."""
    repeated: int = 0
    """Of the others, those whose change is of a size that many have, and tells nothing."""
    told: int = 0
    """Of those, what tells."""
    explained: int = 0
    """Of the changed, what agrees with a sum."""
    explained_told: int = 0
    agree: list[int] = field(default_factory=list)
    """Of the changed, what agrees with each sum."""
    own: list[Own] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Add the counts of another block."""
        for name in ("entries", "changed", "decayed", "repeated", "told", "explained", "explained_told"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.agree = [a + b for a, b in zip(self.agree, other.agree, strict=True)]
        self.own = [a + b for a, b in zip(self.own, other.own, strict=True)]


@dataclass(frozen=True)
class TensorFound:
    """One tensor of the base, beside the child's and the candidates'."""

    name: str
    is_matrix: bool
    dtype: str
    here: tuple[int, ...]
    """Candidates that have it, from 0."""
    sums: tuple[Sum, ...]
    """By those numbers."""
    counts: Counts
    gram: Array
    """Inner products of base, child's change, and changes of the candidates that have it, [2 + n, 2 + n]."""
    on_grid: bool = False
    """Whether the child's numbers lie on a grid coarser than their type."""


@dataclass
class Found:
    """All tensors, and sums over those that all models have."""

    tensors: list[TensorFound] = field(default_factory=list)
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    """Tensors of the base that the child (0) or a candidate (from 1) lacks, and the reason."""
    sha256: tuple[str, ...] = ()
    """Over the numbers of each model: the base, the child, the candidates."""
    non_finite: tuple[int, ...] = ()
    near: Array = field(default_factory=lambda: np.zeros((3, 0)))
    """Inner products of child and candidates with the base, and squares of both, over matrices, [3, 1 + k]."""
    gram: Array = field(default_factory=lambda: np.zeros((0, 0)))
    """Of base, child's change, and candidates' changes, over tensors that all have, [2 + k, 2 + k]."""

    @property
    def cosines(self) -> list[float]:
        """Of the matrices of child and candidates with the base's; 0 where there are none."""
        along, own, of_base = self.near
        return [round(float(one), 6) for one in along / np.sqrt(np.maximum(own * of_base, np.finfo(float).tiny))]


def measure(base: Opened, child: Opened, candidates: Sequence[Opened], seed: int, progress: Progress) -> Found:
    """Read a base, a child and candidates, and count.

    Parameters
    ----------
    base, child, candidates : the files of the models.
    seed : of the draws by which sums are found.
    progress : called with the number of tensors read, and of all.
    """
    models = (child, *candidates)
    digests = [hashlib.sha256() for _ in range(1 + len(models))]
    broken, total = np.zeros(1 + len(models), int), len(base.content.found)
    found = Found(near=np.zeros((3, len(models))), gram=np.zeros((1 + len(models),) * 2))
    for done, beside in enumerate(each_beside(base, models), start=1):
        found.refused += [(beside.name, k, reason) for k, reason in enumerate(beside.refused) if reason is not None]
        here = [k for k, one in enumerate(beside.models) if one is not None]
        one = _Tensor(beside, here, np.random.default_rng([seed, done]))
        for numbers in _blocks(beside, here, digests, broken):
            one.add(numbers)
        if one.has_child:
            found.tensors.append(one.found())
            if len(here) == len(models):
                found.gram += one.gram
        if len(beside.base.shape) > 1:
            found.near[:, here] += one.near
        progress("compare", done, total)
    found.sha256 = tuple(one.hexdigest() for one in digests)
    found.non_finite = tuple(int(count) for count in broken)
    return found


class _Tensor:
    """One tensor of all models that have it."""

    def __init__(self, beside: Beside, here: Sequence[int], rng: np.random.Generator) -> None:
        self.beside, self.here, self.has_child = beside, here, bool(here) and here[0] == 0
        n = len(here)
        self.dtype = coarsest_type(beside.types()) if n else ""
        self.gram, self.near = np.zeros((1 + n, 1 + n)), np.zeros((3, n))
        self.sums: tuple[Sum, ...] = ()
        self.decays: list[Array] = []
        self.sizes: list[tuple[float, Array]] = []
        self.stepped = self.on_grid = False
        if self.has_child:
            block = beside.sample()
            sample, _ = self._numbers(block)
            shape = block.shape[1:]
            p, c, chosen = sample.p.reshape(shape), (sample.p + sample.y).reshape(shape), _is_large(sample)
            self.on_grid = on_grid(p, c, chosen.reshape(shape))
            self.decays = [_decays(moved, sample.p, self.dtype) for moved in (sample.y, *sample.x)]
            large = sample.at(_spread(np.flatnonzero(~self._decayed(sample) & _is_large(sample))))
            if len(large.y):
                width = _width(large)
                left = [(one, np.abs(large.y - one * large.p)) for one in common_slopes(large.y, large.p, width, rng)]
                self.sizes = [(one, common_values(sizes, width)) for one, sizes in left]
                self.stepped = self._repeated(large).mean() >= MOST
            told = _spread(np.flatnonzero(self._tells(sample)[2]))
            self.sums = found_sums(sample.at(told), rng) if n > 1 and len(told) >= LEAST else ()
        self.counts = Counts(agree=[0] * len(self.sums), own=[Own()] * max(0, n - 1))

    def found(self) -> TensorFound:
        """What was found."""
        others = tuple(k - 1 for k in self.here[1:])
        sums = tuple(one._replace(of=tuple(others[k] for k in one.of)) for one in self.sums)
        return TensorFound(
            self.beside.name, len(self.beside.base.shape) == 2, self.dtype, others, sums, self.counts, self.gram,
            self.on_grid,
        )  # fmt: skip

    @np.errstate(all="ignore")
    def add(self, block: Array) -> None:
        """Add a block, float64 [1 + n, rows, columns]."""
        self.near += np.stack([_near(x, block[0]) for x in block[1:]], axis=1)
        if not self.has_child:
            return
        numbers, finite = self._numbers(block)
        flat = np.concatenate([numbers.p[None], numbers.y[None], numbers.x])
        self.gram += flat @ flat.T
        self.counts.add(self._counted(numbers, finite, block.shape[1:]))

    @np.errstate(all="ignore")
    def _numbers(self, block: Array) -> tuple[Numbers, int]:
        """Changes of a block, and how many of its numbers are finite."""
        found = np.stack([rounded(x, self.dtype) for x in block])
        fine = np.isfinite(found).all(0)
        p, c, *rest = np.where(fine, found, 0.0).reshape(len(found), -1)
        half = ROUNDINGS[self.dtype] * step(np.maximum(np.abs(p), np.abs(c)), self.dtype)
        x = np.stack([one - p for one in rest]) if rest else np.zeros((0, p.size))
        return Numbers(c - p, x, p, half, SLACK[self.dtype]), int(np.count_nonzero(fine))

    def _tells(self, numbers: Numbers) -> tuple[Mask, Mask, Mask]:
        """Which numbers look like decay, which of the others have a change of a common size, and which tell."""
        decayed, large = self._decayed(numbers), _is_large(numbers)
        repeated = ~decayed & large & (self.stepped | self._repeated(numbers))
        return decayed, repeated, ~decayed & ~repeated & large

    def _repeated(self, numbers: Numbers) -> Mask:
        """Which numbers changed by a size that many have, but for one multiple of the base."""
        repeated = np.zeros(len(numbers.y), bool)
        for slope, sizes in self.sizes:
            repeated |= is_one_of(np.abs(numbers.y - slope * numbers.p), _width(numbers), sizes)
        return repeated

    def _decayed(self, numbers: Numbers) -> Mask:
        """Which numbers look like decay, of child or candidate."""
        decayed = np.zeros(len(numbers.y), bool)
        for moved, decays in zip((numbers.y, *numbers.x), self.decays, strict=True):
            if len(decays):
                decayed |= (moved != 0) & is_one_of(*_times(moved, numbers.p, self.dtype), decays)
        return decayed

    def _counted(self, numbers: Numbers, entries: int, shape: tuple[int, ...]) -> Counts:
        changed = numbers.y != 0
        decayed, repeated, told = self._tells(numbers)
        misses = [residuals(numbers, one) for one in self.sums]
        agree = [changed & (miss <= 1) for miss, _ in misses]
        explained = np.logical_or.reduce(agree) if agree else np.zeros_like(changed)
        return Counts(
            entries=entries,
            changed=_count(changed),
            decayed=_count(changed & decayed),
            repeated=_count(repeated),
            told=_count(told),
            explained=_count(explained),
            explained_told=_count(explained & told),
            agree=[_count(one) for one in agree],
            own=[self._own(k, numbers, told, misses, explained, shape) for k in range(len(numbers.x))],
        )

    def _own(
        self,
        k: int,
        numbers: Numbers,
        told: Mask,
        misses: Sequence[tuple[Array, Array]],
        explained: Mask,
        shape: tuple[int, ...],
    ) -> Own:
        """The telling numbers that count for a candidate."""
        without, here, there, beside = (np.zeros(len(told), bool) for _ in range(4))
        moved = numbers.x.copy()
        moved[k] = _half_a_row_on(numbers.x[k], shape)
        for one, (miss, bound) in zip(self.sums, misses, strict=True):
            if k not in one.of:
                without |= miss <= 1
                continue
            weight = abs(one.weights[one.of.index(k)])
            matters = weight * np.abs(numbers.x[k]) > MATTERS * bound
            here |= matters & (miss <= 1)
            beside |= matters & (miss > 1) & (miss <= BESIDE)
            away, bound = residuals(numbers._replace(x=moved), one)
            there |= (away <= 1) & (weight * np.abs(moved[k]) > MATTERS * bound)
        counted = (here, here & ~without, there & ~without, beside & ~explained)
        return Own(*(_count(told & one) for one in counted))


def _blocks(
    beside: Beside, here: Sequence[int], digests: Sequence[hashlib._Hash], broken: NDArray[np.int_]
) -> Iterator[Array]:
    """Numbers of the base and of the models that have a tensor, by blocks, float64 [1 + n, rows, columns].

    They are hashed, and those that are not finite counted, on the way.
    """
    of = [0, *(k + 1 for k in here)]
    for k in of:
        digests[k].update(f"{beside.name} {beside.base.shape}".encode())
    for _, numbers in beside.blocks(ENTRIES) if here else ():
        for k, x in zip(of, numbers, strict=True):
            digests[k].update(x.astype("<f8").tobytes())
            broken[k] += _count(~np.isfinite(x))
        yield numbers


def _is_large(numbers: Numbers) -> Mask:
    """Which numbers were changed by much more than their rounding."""
    return np.abs(numbers.y) >= TELLS * numbers.half


def _width(numbers: Numbers) -> Array:
    """How far sums of equal steps may be apart: by roundings, and by decay between them.

    Never so far that sizes which are only of one order seem equal.
    """
    return np.maximum(numbers.half, np.minimum(_BLUR * numbers.half, np.abs(numbers.y) / (2 * TELLS)))


def _decays(moved: Array, p: Array, dtype: str) -> Array:
    """The multiples of the base by which many numbers moved."""
    large = (moved != 0) & (p != 0) & (np.abs(moved) >= TELLS * ROUNDINGS[dtype] * step(p, dtype))
    kept = _spread(np.flatnonzero(large))
    return common_values(*_times(moved[kept], p[kept], dtype))


def _times(moved: Array, p: Array, dtype: str) -> tuple[Array, Array]:
    """What multiple of the base numbers moved by, and its rounding; infinite where the base is zero."""
    with np.errstate(all="ignore"):
        found = moved / p, DECAYED[dtype] * step(p, dtype) / np.abs(p)
    return (np.where(p != 0, found[0], np.inf), np.where(p != 0, found[1], 0.0))


def _spread(places: NDArray[np.intp]) -> NDArray[np.intp]:
    """At most so many of some places as a sample has, at one distance."""
    kept = min(_SAMPLE, len(places))
    return places[np.arange(kept) * len(places) // max(1, kept)]


def _near(x: Array, p: Array) -> Array:
    """Inner product of a model and the base, and the squares of both, over numbers that are finite in these two."""
    fine = np.isfinite(x) & np.isfinite(p)
    x, p = (np.where(fine, one, 0.0).ravel() for one in (x, p))
    return np.array([x @ p, x @ x, p @ p])


def _half_a_row_on(x: Array, shape: tuple[int, ...]) -> Array:
    """Numbers of some rows, each half a row further; those of a vector are one row."""
    rows = x.reshape(shape) if shape[-1] > 1 else x.reshape(1, -1)
    return np.roll(rows, rows.shape[1] // 2, axis=1).ravel()


def _count(mask: Mask) -> int:
    return int(np.count_nonzero(mask))
