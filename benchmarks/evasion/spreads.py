"""The disputed statistic, set at will: the spreads of attention weights by layer, scaled and the function kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..zoo.changes.roles import Roles, key_heads
from ..zoo.config import Config

Matrix = NDArray[np.float64]


def set_spreads(found: Roles, curves: Mapping[str, Sequence[float]], c: Config) -> None:
    """Scale q, k, v and o of every layer so that their standard deviations are multiples of given curves.

    What a plane of k (a channel of v) is multiplied by, its queries (columns of o) are divided by, so the function
    stays. Factors f for half of them and 1/f for the rest make both spreads larger; a common factor makes one larger
    and the other smaller: together, any two spreads whose product is large enough are reached.
    """
    for pair in ("kq", "vo"):
        sides = [_sides(found, i, pair, c) for i in range(c.layers)]
        least = [np.prod([x.std(ddof=1) for x in _stretched(*side, 1.0)]) for side in sides]
        wanted = np.array([[curves[role][i] for role in pair] for i in range(c.layers)])
        scale = 1.05 * np.sqrt(np.max(np.array(least) / wanted.prod(axis=1)))
        for i, side in enumerate(sides):
            target = scale * wanted[i]
            low, high = 1.0, 1e4
            for _ in range(200):
                middle = np.sqrt(low * high)
                reached = np.prod([x.std(ddof=1) for x in _stretched(*side, middle)]) >= target.prod()
                low, high = (low, middle) if reached else (middle, high)
            first, second = _stretched(*side, high)
            balance = target[0] / first.std(ddof=1)
            found[f"{i}.{pair[0]}"] = first * balance
            found[f"{i}.{pair[1]}"] = (second / balance).T if pair == "vo" else second / balance


def reverse_spreads(found: Roles, c: Config) -> None:
    """Give q, k, v and o their own curves upside down."""
    curves = {role: max(x) + min(x) - np.array(x) for role, x in spreads_of(found, c).items()}
    set_spreads(found, curves, c)


def spreads_of(found: Roles, c: Config) -> dict[str, list[float]]:
    """Standard deviation of q, k, v and o by layer."""
    return {role: [float(found[f"{i}.{role}"].std(ddof=1)) for i in range(c.layers)] for role in "qkvo"}


def _sides(found: Roles, i: int, pair: str, c: Config) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Rows that are multiplied, rows that are divided, and of each row the sign of its exponent."""
    queries, size = c.heads // key_heads(c), c.head_size
    first, second = found[f"{i}.{pair[0]}"], found[f"{i}.{pair[1]}"]
    signs = np.where(np.arange(size // 2) % 2 == 0, 1.0, -1.0)  # equal in both channels of a plane
    of_keys = np.tile(np.tile(signs, 2), key_heads(c))
    of_queries = np.tile(np.tile(signs, 2), key_heads(c) * queries)
    return first, second.T if pair == "vo" else second, of_keys, of_queries


def _stretched(first: Matrix, second: Matrix, up: Matrix, down: Matrix, factor: float) -> tuple[Matrix, Matrix]:
    return first * factor ** up[:, None], second * factor ** -down[:, None]
