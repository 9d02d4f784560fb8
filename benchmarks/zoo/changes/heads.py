"""Changes inside attention heads: of value channels, of query and key channels, and of the heads' order."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..config import Config
from .draws import Draw, Matrix, basis, order, plane_scales, scales, signs, turns
from .roles import Roles, key_heads


def value_order(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Permute the value channels of every head."""
    _values(found, c, rng, order)


def value_signs(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Flip signs of value channels."""
    _values(found, c, rng, signs)


def value_scales(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Multiply value channels, and divide columns of o."""
    _values(found, c, rng, scales)


def value_basis(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Rotate the value channels of every head."""
    _values(found, c, rng, basis)


def quarter_turns(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Turn rotary planes of k, and of all queries that read them, by multiples of 90 degrees."""
    turn(found, c, rng, lambda n, rng: turns(rng.integers(0, 4, n // 2) * np.pi / 2, interleaved=interleaved(c)))


def phases(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Turn rotary planes of k, and of all queries that read them, by any angle."""
    turn(found, c, rng, lambda n, rng: turns(rng.uniform(0, 2 * np.pi, n // 2), interleaved=interleaved(c)))


def phase_scales(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Multiply rotary planes of k, and divide those of the queries."""
    turn(found, c, rng, partial(plane_scales, interleaved=interleaved(c)))


def key_order(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Permute channels of q and k that no position turns."""
    _plain(found, c, rng, order)


def key_signs(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Flip signs of channels of q and k that no position turns."""
    _plain(found, c, rng, signs)


def key_scales(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Multiply channels of k that no position turns, and divide those of the queries."""
    _plain(found, c, rng, scales)


def key_basis(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Rotate channels of q and k that no position turns."""
    _plain(found, c, rng, basis)


def head_order(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Permute the key-value heads, each with the queries that read it."""
    for i in range(c.layers):
        heads = rng.permutation(key_heads(c))
        for role in ("k", "v"):
            _reorder(found, f"{i}.{role}", heads, key_heads(c))
        _reorder_queries(found, i, heads, key_heads(c))


def query_order(found: Roles, c: Config, rng: np.random.Generator) -> None:
    """Permute the queries that read one key-value head."""
    groups = c.heads // key_heads(c)
    for i in range(c.layers):
        heads = np.concatenate([g * groups + rng.permutation(groups) for g in range(key_heads(c))])
        _reorder_queries(found, i, heads, c.heads)


def has_turned(c: Config) -> bool:
    """Whether positions turn channels of q and k."""
    return c.family not in ("gpt2", "bert")


def has_plain(c: Config) -> bool:
    """Whether there are channels of q and k that no position turns."""
    return c.family in ("gpt2", "bert", "deepseek")


def interleaved(c: Config) -> bool:
    """Whether positions turn channel 2c with 2c + 1, and not c with c plus half of them."""
    return c.family == "deepseek"


def turned_roles(c: Config, i: int) -> tuple[str, str]:
    """Keys of the turned rows of k and q in a layer."""
    return (f"{i}.k_turned", f"{i}.q_turned") if c.family == "deepseek" else (f"{i}.k", f"{i}.q")


def _values(found: Roles, c: Config, rng: np.random.Generator, draw: Draw) -> None:
    groups = c.heads // key_heads(c)
    for i in range(c.layers):
        matrices = [draw(c.head_size, rng) for _ in range(key_heads(c))]
        _apply(found, f"{i}.v", matrices)
        inverses = [np.linalg.inv(matrix).T for matrix in matrices for _ in range(groups)]
        found[f"{i}.o"] = _blocks(found[f"{i}.o"].T, inverses).T


def turn(found: Roles, c: Config, rng: np.random.Generator, draw: Draw) -> None:
    """Multiply turned channels of k and q by drawn matrices that commute with the rotation by position."""
    shared = c.family == "deepseek"  # one turned key for all heads
    for i in range(c.layers):
        matrices = [draw(c.turned if shared else c.head_size, rng) for _ in range(1 if shared else c.kv_heads)]
        _keys_and_queries(found, turned_roles(c, i), matrices, c.heads)


def _plain(found: Roles, c: Config, rng: np.random.Generator, draw: Draw) -> None:
    for i in range(c.layers):
        matrices = [draw(c.head_size, rng) for _ in range(c.heads)]
        _keys_and_queries(found, (f"{i}.k", f"{i}.q"), matrices, c.heads)


def _keys_and_queries(found: Roles, keys: tuple[str, str], matrices: list[Matrix], heads: int) -> None:
    """Multiply keys by a matrix for each head, and the queries that read them so that products stay."""
    groups = heads // len(matrices)
    _apply(found, keys[0], matrices)
    _apply(found, keys[1], [np.linalg.inv(matrix).T for matrix in matrices for _ in range(groups)])


def _apply(found: Roles, key: str, matrices: list[Matrix]) -> None:
    for one in (key, key + "_bias"):
        if one in found:
            found[one] = _blocks(found[one], matrices)


def _blocks(rows: Matrix, matrices: list[Matrix]) -> Matrix:
    """Each block of rows multiplied by its matrix."""
    parts = np.split(rows, len(matrices))
    return np.concatenate([matrix @ part for matrix, part in zip(matrices, parts, strict=True)])


def _reorder_queries(found: Roles, i: int, heads: Matrix, blocks: int) -> None:
    for role in ("q", "q_turned"):
        _reorder(found, f"{i}.{role}", heads, blocks)
    found[f"{i}.o"] = np.concatenate([np.split(found[f"{i}.o"], blocks, axis=1)[h] for h in heads], axis=1)


def _reorder(found: Roles, key: str, heads: Matrix, blocks: int) -> None:
    for one in (key, key + "_bias"):
        if one in found:
            parts = np.split(found[one], blocks)
            found[one] = np.concatenate([parts[h] for h in heads])
