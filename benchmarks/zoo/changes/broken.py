"""Changes that look like those that keep a function, and do not: what a check of the others must see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..config import Config
from . import heads, stream, units
from .draws import Matrix, basis, turns
from .roles import Roles, key_heads, layer_norm

Do = Callable[[Roles, Config, np.random.Generator], None]


def turned_queries(found: Roles, c: Config, _rng: np.random.Generator) -> None:
    """Turn the planes of the queries by 45 degrees, and leave the keys."""
    for i in range(c.layers):
        _, q = heads.turned_roles(c, i)
        planes = (c.turned or c.head_size) // 2
        matrix = turns(np.full(planes, np.pi / 4), interleaved=heads.interleaved(c))
        _every_head(found, q, matrix)


def other_pairs(found: Roles, c: Config, _rng: np.random.Generator) -> None:
    """Turn q and k by 90 degrees in pairs of channels that positions do not turn together."""
    for i in range(c.layers):
        planes = (c.turned or c.head_size) // 2
        matrix = turns(np.full(planes, np.pi / 2), interleaved=not heads.interleaved(c))
        for key in heads.turned_roles(c, i):
            _every_head(found, key, matrix)


def exchanged_planes(found: Roles, c: Config, _rng: np.random.Generator) -> None:
    """Exchange planes of q and k, which turn at other frequencies."""
    for i in range(c.layers):
        size = c.turned or c.head_size
        planes = np.arange(size).reshape(-1, 2) if heads.interleaved(c) else np.arange(size).reshape(2, -1).T
        order = planes[::-1].ravel() if heads.interleaved(c) else planes[::-1].T.ravel()
        for key in heads.turned_roles(c, i):
            _every_head(found, key, np.eye(size)[order])


def scaled_channels(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Multiply single channels of k, and divide those of q, where positions mix two of them."""
    for i in range(c.layers):
        k, q = heads.turned_roles(c, i)
        factors = 2.0 ** rng.uniform(-1, 1, c.turned or c.head_size)
        _every_head(found, k, np.diag(factors))
        _every_head(found, q, np.diag(1 / factors))


def value_signs_alone(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Flip signs of value channels, and leave o."""
    for i in range(c.layers):
        before = found[f"{i}.o"]
        heads.value_signs(found, c, rng)
        found[f"{i}.o"] = before


def values_of_one_query(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Permute value channels with the columns of o of one query head of those that read them."""
    for i in range(c.layers):
        before = found[f"{i}.o"].copy()
        heads.value_order(found, c, rng)
        kept = np.arange(c.heads).reshape(key_heads(c), -1)[:, 1:].ravel()
        for head in kept:
            columns = slice(head * c.head_size, (head + 1) * c.head_size)
            found[f"{i}.o"][:, columns] = before[:, columns]


def stream_rotation_with_gains(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Rotate the stream and leave the gains."""
    stream.multiply(found, c, basis(c.width, rng))


CONTROLS: dict[str, tuple[str, Do, Callable[[Config], bool]]] = {
    "turned_queries": ("queries turned alone, 45 degrees", turned_queries, heads.has_turned),
    "other_pairs": ("quarter turns of the other pairing", other_pairs, heads.has_turned),
    "exchanged_planes": ("planes exchanged", exchanged_planes, heads.has_turned),
    "scaled_channels": ("scales of single turned channels", scaled_channels, heads.has_turned),
    "value_signs_alone": ("value signs without o", value_signs_alone, lambda _: True),
    "values_of_one_query": ("value order of one query only", values_of_one_query, lambda c: c.heads > key_heads(c)),
    "unit_signs": ("signs of units without gate", units.unit_signs, layer_norm),
    "stream_signs": ("stream signs under layer norm", stream.stream_signs, layer_norm),
    "stream_rotation": ("stream rotation before folding", stream_rotation_with_gains, lambda c: not layer_norm(c)),
}
"""Title, change, and the networks whose function it changes."""


def _every_head(found: Roles, key: str, matrix: Matrix) -> None:
    for one in (key, key + "_bias"):
        if one in found:
            blocks = np.split(found[one], len(found[one]) // len(matrix))
            found[one] = np.concatenate([matrix @ block for block in blocks])
