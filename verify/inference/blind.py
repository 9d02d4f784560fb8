r"""Choices among models that must not look at the scores: fixed by the sha256 of the models' names.

A rank or a bound is valid for a selection fixed before the scores are seen, or independent of them given the names.
An order by sha256 is a function of the names alone: arbitrary, reproducible, and not under the control of anyone who
knows the scores, provided the names were declared first.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from ..base import StatisticsError


def blind_order(names: Sequence[str]) -> list[int]:
    """Indices of the names, in the order of their sha256.

    Raises
    ------
    StatisticsError
        If two models have the same name.

    Examples
    --------
    >>> blind_order(["a", "b", "c"])
    [2, 1, 0]
    """
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise StatisticsError(f"The name {twice!r} is given to two models; give every model its own name.")
    return sorted(range(len(names)), key=lambda i: sha256(names[i].encode("utf-8", "surrogatepass")).digest())


def disjoint_pairs(names: Sequence[str]) -> list[tuple[int, int]]:
    """Models paired two by two in blind order; an odd one is left out.

    Raises
    ------
    StatisticsError
        If two models have the same name.

    Examples
    --------
    >>> len(disjoint_pairs(["a", "b", "c", "d", "e"]))
    2
    """
    order = blind_order(names)
    return list(zip(order[::2], order[1::2], strict=False))
