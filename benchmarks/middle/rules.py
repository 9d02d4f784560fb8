"""Rules that would say which of three models can be the middle, as they are measured; none of them ships.

Of models X, Y and M, write a = X - M and b = Y - M. If M is the base of both or a stage between them, and a and b are
*placed independently*, <a, b> is near 0; from an end X, the changes M - X and Y - X have M - X in common. A test of M
being the middle so rejects for a large <a, b>.

Null hypothesis of a test by signs, with a in blocks a_1..a_G (rows, or whole tensors): given M, b and each a_g but
for its sign, the signs are independent and fair. Group: a sign for each block. Theorem: with T(s) = sum_g s_g <a_g,
b_g> and s_1..s_N drawn uniformly, p = (1 + #{k: T(s_k) >= T(1)}) / (N + 1) has P(p <= u) <= u. Proof: given all but
the signs, a is h a for h uniform in the group, and T(h), T(s_1 h), ..., T(s_N h) are exchangeable. Numbers put in
place of a_g that turn with its sign (rows without their part along M, or rows of U V' of the singular value
decomposition of a tensor's change, since rows of U turn with those of a) keep the theorem.

Null hypothesis of the permutation test: given M and b, the rows of a are exchangeable inside each tensor.

Training meets neither: it moves down a gradient, which has a direction at M, and those of two texts have much in
common; and both changes are large in the units that M uses most. The table says how often the middle is rejected.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..zoo.changes.roles import Arrays

Array = NDArray[np.float64]

LEVEL = 0.01
DRAWS = 2999
"""Enough for a p-value of a third of the level, since all three models are judged."""


class Judged(NamedTuple):
    """One of three models as the middle."""

    cosine: float
    """Of the changes from it to the two others."""
    p: dict[str, float]
    """By rule."""

    def excluded(self, rule: str) -> bool:
        """Whether a rule rejects that the model is the middle."""
        return self.p[rule] <= LEVEL / 3


def judge(middle: Arrays, x: Arrays, y: Arrays) -> Judged:
    """Judge a model as the middle of two others."""
    changes = [(_rows(m), _rows(x[k]) - _rows(m), _rows(y[k]) - _rows(m)) for k, m in middle.items()]
    inner, of_a, of_b = np.sum([((a * b).sum(), (a * a).sum(), (b * b).sum()) for _, a, b in changes], 0).tolist()
    return Judged(inner / (of_a * of_b) ** 0.5, {name: rule(changes) for name, rule in RULES.items()})


def _rows(x: NDArray[np.float32]) -> Array:
    """A tensor as a matrix; a vector is one row."""
    return x.astype(np.float64).reshape(-1, x.shape[-1])


Changes = list[tuple[Array, Array, Array]]
"""Of each tensor the middle, and the changes a and b, all [rows, columns]."""


def _by_rows(changes: Changes) -> float:
    return flipped(np.concatenate([(a * b).sum(1) for _, a, b in changes]))


def _by_tensors(changes: Changes) -> float:
    return flipped(np.array([(a * b).sum() for _, a, b in changes]))


def _beside_the_middle(changes: Changes) -> float:
    """By rows, each without its part along that row of M."""

    def without(d: Array, m: Array) -> Array:
        size = (m * m).sum(1, keepdims=True)
        found: Array = d - m * np.divide((d * m).sum(1, keepdims=True), size, out=np.zeros_like(size), where=size > 0)
        return found

    return flipped(np.concatenate([(without(a, m) * without(b, m)).sum(1) for m, a, b in changes]))


def _directions(changes: Changes) -> float:
    """By rows of U V', in which all directions of a change weigh alike."""
    products = [(_turned(a) * _turned(b)).sum(1) for _, a, b in changes if len(a) > 1 and a.any() and b.any()]
    return flipped(np.concatenate(products)) if products else 1.0


def _turned(d: Array) -> Array:
    u, s, v = np.linalg.svd(d, full_matrices=False)
    kept = s > 1e-3 * s[0]
    found: Array = u[:, kept] @ v[kept]
    return found


def _permuted(changes: Changes) -> float:
    """By permutations of rows inside each matrix."""
    drawn, seen = np.zeros(DRAWS), 0.0
    for n, (_, a, b) in enumerate(changes):
        if len(a) > 1:
            products = a @ b.T
            drawn += products[_orders(n, len(a)), np.arange(len(a))].sum(1)
            seen += float(np.trace(products))
    return _rank(seen, drawn)


RULES: dict[str, Callable[[Changes], float]] = {
    "signs of rows": _by_rows,
    "signs of tensors": _by_tensors,
    "signs of rows, beside M": _beside_the_middle,
    "signs of rows, directions": _directions,
    "places of rows": _permuted,
}


def flipped(products: Array) -> float:
    """p-value of the sum of the inner products of blocks under signs of blocks."""
    return _rank(float(products.sum()), _signs(len(products)) @ products)


@cache
def _signs(blocks: int) -> Array:
    return np.random.default_rng(blocks).choice((-1.0, 1.0), (DRAWS, blocks))


@cache
def _orders(tensor: int, rows: int) -> NDArray[np.int16]:
    orders = np.tile(np.arange(rows, dtype=np.int16), (DRAWS, 1))
    return np.random.default_rng((tensor, rows)).permuted(orders, axis=1)


def _rank(seen: float, drawn: Array) -> float:
    return (1 + int((drawn >= seen - 1e-9 * abs(seen)).sum())) / (DRAWS + 1)
