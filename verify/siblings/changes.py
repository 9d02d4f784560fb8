"""What each model changed in the base, number by number: equal numbers, and inner products of changes.

Let p be the numbers of a tensor in the base and x_i those of model i, all rounded to one type: the coarsest that any
of the models has there. So a model that was only saved in a coarser type has changed nothing, and what rounding does
to one change it does to all. A *change* is x_i - p, less what of it goes along the base, p <x_i - p, p> / <p, p>:
decay of weights alone, or a scale, moves any two models alike. Where a matrix underwent nothing else, what is left is
the rounding of its numbers, which models with one scale have in common: if a change goes along the base by more than
the size of one rounding, and elsewhere by no more than ``ROUNDINGS`` times that, it counts as none.

The *similarity* of two models is the cosine of the directions of their changes (`directions`) over all matrices that
base and models share. It is a function of the two models, the base and the types, the same for all pairs. Beside it
stand other numbers: the cosine of the changes themselves; the *partial* similarity, the correlation of A's and B's
directions after regression on those of all other models, for which - K_ij / sqrt(K_ii K_jj) is the formula, K being
the inverse of the matrix of similarities; of the numbers that both changed, the shares changed in one direction and
to one value; and the overlap of row spaces of changes of low rank.

Numbers are read once, by blocks of rows; sums of products are float64. Numbers that are not finite count as
unchanged.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ..base import Progress
from ..checkpoint import Beside, Opened, coarsest_type, each_beside, rounded, step
from .directions import Directions, chosen, directions, kept, overlap

Array = NDArray[np.float64]

ENTRIES = 1 << 21
"""Numbers in memory at a time."""
DIGITS = 6
"""Decimals of similarities, so that the order of sums decides no rank."""
RIDGE = 1e-6
ROUNDINGS = {"F64": 32.0, "F32": 32.0, "F16": 2.0, "BF16": 2.0}
"""Times the size of one rounding: that of 1000 in a row in types in which decay comes step by step, and of one in
coarser ones, where such steps would be lost."""


@dataclass(frozen=True)
class Counted:
    """Numbers of one tensor that are as in the base, in A, in B and in both."""

    name: str
    dtype: str
    entries: int
    same_a: int
    same_b: int
    same_both: int
    equal: int
    """Of the numbers that both changed, those that are equal in A and B."""
    ranked: bool
    """Whether all siblings have it too."""


@dataclass
class Measured:
    """Sums over all tensors; models are A, B and the siblings, in that order."""

    shapes: Array
    """Inner products of directions of changes, [n, n]."""
    products: Array
    """Inner products of changes, [n, n]."""
    signs: Array
    """Numbers that both changed in one direction, less those changed in two, [n, n]."""
    changed: Array
    """Numbers that both changed, [n, n]; that one changed, on the diagonal."""
    equal: Array
    """Numbers that both changed to one value, [n, n]; of pairs with A or B alone."""
    overlap: Array
    ranks: Array
    """Squared cosines of row spaces, and smaller ranks, summed over matrices with two changes of low rank, [n, n]."""
    along: Array
    """Inner products of models with the base, and squares of both, over matrices, [3, n]."""
    tensors: list[Counted] = field(default_factory=list)
    refused: list[tuple[str, str, str]] = field(default_factory=list)
    """Tensors of the base that A or B lacks: name, ``A`` or ``B``, and the reason."""
    sha256: tuple[str, ...] = ()
    """Over the numbers of each model, the base first."""
    non_finite: tuple[int, ...] = ()
    entries: int = 0
    """Numbers that similarities are of."""

    @staticmethod
    def zero(n: int) -> Measured:
        """Of no tensor, for ``n`` models."""
        shapes, products, signs, changed, equal, overlap, ranks = np.zeros((7, n, n))
        return Measured(shapes, products, signs, changed, equal, overlap, ranks, np.zeros((3, n)))

    @property
    def similarity(self) -> Array:
        """Cosines of directions of changes, [n, n]; NaN with a model that changed no matrix."""
        return _symmetric(_cosines(self.shapes))

    @property
    def cosine(self) -> Array:
        """Cosines of changes, [n, n]; NaN with a model that changed nothing."""
        return _symmetric(_cosines(self.products))

    @property
    def partial(self) -> Array:
        """Similarities beyond those with all other models, [n, n]; a ridge keeps equal models apart from 1."""
        cosines = _cosines(self.shapes)
        if not np.isfinite(cosines).all():
            return np.full_like(cosines, np.nan)
        inverse = np.linalg.inv(cosines + RIDGE * np.eye(len(cosines)))
        return _symmetric(-inverse / np.sqrt(np.outer(np.diag(inverse), np.diag(inverse))))

    @property
    def sign_agreement(self) -> Array:
        """Of the numbers that both changed, the share changed in one direction, [n, n]."""
        return _symmetric(_ratio(self.signs + self.changed, 2 * self.changed))

    @property
    def equal_share(self) -> Array:
        """Of the numbers that both changed, the share that are equal, [n, n]; of pairs with A or B alone."""
        return _symmetric(_ratio(self.equal, self.changed))

    @property
    def row_spaces(self) -> Array:
        """Mean overlap of row spaces of changes of low rank, [n, n]; NaN where no matrix has two."""
        return _symmetric(_ratio(self.overlap, self.ranks))

    @property
    def near(self) -> Array:
        """Cosine of each model's matrices with the base's, [n]."""
        inner, own, base = self.along
        return _ratio(inner, np.sqrt(own * base))


def measure(base: Opened, models: Sequence[Opened], progress: Progress) -> Measured:
    """Compare what models changed in a base.

    Parameters
    ----------
    base : the base.
    models : A, B and the siblings.
    progress : called after each tensor.
    """
    n = len(models)
    found = Measured.zero(n)
    digests, broken = [hashlib.sha256() for _ in range(n + 1)], np.zeros(n + 1, int)
    total = len(base.content.found)
    for done, beside in enumerate(each_beside(base, models), start=1):
        for side, reason in zip("AB", beside.refused[:2], strict=True):
            if reason is not None:
                found.refused.append((beside.name, side, reason))
        _tensor(found, beside, digests, broken)
        progress("compare", done, total)
    found.sha256 = tuple(one.hexdigest() for one in digests)
    found.non_finite = tuple(int(count) for count in broken)
    return found


def _tensor(found: Measured, beside: Beside, digests: Sequence[hashlib._Hash], broken: NDArray[np.int_]) -> None:
    here = np.array([k for k, one in enumerate(beside.models) if one is not None], int)
    both, whole = {0, 1} <= set(here.tolist()), len(here) == len(beside.models)
    for k in (-1, *here.tolist()):
        digests[k + 1].update(f"{beside.name} {beside.base.shape}".encode())
    if len(here) == 0:
        return
    types = beside.types()
    of_pair, of_all = coarsest_type(types[:2]), coarsest_type(types)
    counts, sums = np.zeros(5, int), _Sums(beside)
    for start, numbers in beside.blocks(ENTRIES):
        for k, x in zip((-1, *here.tolist()), numbers, strict=True):
            digests[k + 1].update(x.astype("<f8").tobytes())
            broken[k + 1] += int(np.count_nonzero(~np.isfinite(x)))
        if both:
            counts += _counted(numbers[:3], of_pair)
        if whole:
            sums.add(start, numbers, of_all)
    if both:
        entries, same_a, same_b, same_both, equal = counts.tolist()
        found.tensors.append(Counted(beside.name, of_pair, entries, same_a, same_b, same_both, equal, ranked=whole))
    if whole:
        sums.into(found)


@np.errstate(all="ignore")
def _counted(numbers: Array, dtype: str) -> NDArray[np.int_]:
    p, a, b = (rounded(x, dtype) for x in numbers)
    finite = np.isfinite(p) & np.isfinite(a) & np.isfinite(b)
    same_a, same_b = finite & (a == p), finite & (b == p)
    equal = finite & ~same_a & ~same_b & (a == b)
    return np.array([np.count_nonzero(x) for x in (finite, same_a, same_b, same_a & same_b, equal)])


class _Sums:
    """Sums over the blocks of one tensor that all models have."""

    def __init__(self, beside: Beside) -> None:
        n, self.is_matrix = len(beside.models), len(beside.base.shape) > 1
        self.products, self.signs, self.changed, self.equal = (np.zeros((n, n)) for _ in range(4))
        self.along, self.base, self.own, self.entries = np.zeros(n), 0.0, np.zeros(n), 0
        self.at = chosen(beside.rows) if self.is_matrix else np.zeros(0, int)
        self.kept: list[Array] = []
        self.roundings, self.noise = 0.0, np.zeros(n)

    @np.errstate(all="ignore")
    def add(self, start: int, numbers: Array, dtype: str) -> None:
        """Add a block, float64 [1 + n, rows, columns]."""
        found = np.stack([rounded(x, dtype) for x in numbers])
        found = np.where(np.isfinite(found).all(0), found, 0.0)
        p, x = found[0], found[1:]
        d = (x - p).reshape(len(x), -1)
        inside = self.at[(self.at >= start) & (self.at < start + len(p))] - start
        if len(inside):
            self.kept.append(kept(np.concatenate([p[None], x - p])[:, inside]))
            self.roundings = ROUNDINGS[dtype]
            self.noise += np.square(step(x[:, inside], dtype)).sum((1, 2)) / 12
        self.products += d @ d.T
        self.along += d @ p.ravel()
        self.base += float(np.square(p).sum())
        self.own += np.square(x).sum((1, 2))
        self.entries += p.size
        signs = np.sign(d).astype(np.float32)
        self.signs += signs @ signs.T
        moved = np.abs(signs)
        self.changed += moved @ moved.T
        for side in (0, 1):
            self.equal[side] += ((d == d[side]) & (d[side] != 0)).sum(1)

    def into(self, found: Measured) -> None:
        """Add the sums of the tensor to those of all."""
        along = self.along / self.base if self.base else np.zeros_like(self.along)
        found.products += self.products - np.outer(along, along) * self.base
        found.signs += self.signs
        found.changed += self.changed
        found.equal += np.maximum(self.equal, self.equal.T)
        found.entries += self.entries
        if self.is_matrix:
            found.along += np.stack([self.along + self.base, self.own, np.full(len(along), self.base)])
            p, *changes = np.concatenate(self.kept, axis=1)
            scaled = np.square(along) * np.square(p).sum() > self.noise
            left = [d - share * p for d, share in zip(changes, along, strict=True)]
            sizes = np.array([np.square(d).sum() for d in left])
            only = scaled & (sizes <= np.square(self.roundings) * self.noise)
            self._directions(found, [directions(np.where(none, 0, d)) for d, none in zip(left, only, strict=True)])

    def _directions(self, found: Measured, changes: Sequence[Directions]) -> None:
        flat = np.stack([one.all.ravel() for one in changes])
        found.shapes += flat @ flat.T
        low = [(k, one.row_space) for k, one in enumerate(changes) if one.row_space is not None]
        for (i, one), (j, other) in combinations(low, 2):
            shared, rank = overlap(one, other)
            for at in ((i, j), (j, i)):
                found.overlap[at] += shared
                found.ranks[at] += rank


def _cosines(products: Array) -> Array:
    sizes = np.sqrt(np.diag(products))
    return _ratio(products, np.outer(sizes, sizes))


def _ratio(above: Array, below: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.where(below > 0, above / below, np.nan)


def _symmetric(scores: Array) -> Array:
    """Rounded, and one number for both ways of a pair."""
    upper = np.triu(np.round(scores, DIGITS), 1)
    found: Array = upper + upper.T
    np.fill_diagonal(found, np.nan)
    return found
