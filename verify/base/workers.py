"""Tasks run in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def run_in_order(
    function: Callable[[T], R], items: Iterable[T], workers: int | Executor | None = None
) -> Iterator[R]:
    """Results in the order of the items."""
    return map(function, items)
