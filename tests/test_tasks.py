"""Tasks over workers: results in order, work that survives its workers, errors that come through."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import pytest

from tests.processes import die_once, refuse_seven, square
from tests.screens import Breaking
from verify import InputError
from verify.base import run_in_order


@pytest.mark.parametrize("workers", [None, 1, Breaking(0), Breaking(5), Breaking(500)])
def test_results_come_in_order(workers: int | Executor | None) -> None:
    """Also when the executor breaks in the middle."""
    assert list(run_in_order(square, range(100), workers)) == [n * n for n in range(100)]


def test_processes_that_die_cost_nothing(tmp_path: Path) -> None:
    """The tasks not yet done go to a fresh pool; the environment is left as it was."""
    before = dict(os.environ)
    items = [(str(tmp_path / "died"), n) for n in range(12)]
    assert list(run_in_order(die_once, items, 2)) == [n * n for n in range(12)]
    assert (tmp_path / "died").exists()
    assert dict(os.environ) == before


def test_few_items_are_read_ahead() -> None:
    """A generator of a million tasks is not drained for the first result."""
    read = []

    def items() -> Iterator[int]:
        for n in range(1_000_000):
            read.append(n)
            yield n

    with ThreadPoolExecutor(2) as threads:
        results = run_in_order(square, items(), threads)
        assert list(islice(results, 3)) == [0, 1, 4]
        results.close()  # type: ignore[attr-defined]
        assert len(read) < 100


def test_an_interrupt_cancels_what_has_not_begun() -> None:
    """And nobody's executor is shut down."""
    ran = []

    def slow(n: int) -> int:
        ran.append(n)
        time.sleep(0.02)
        return n

    def interrupted(executor: Executor) -> None:
        for n in run_in_order(slow, range(1000), executor):
            if n == 2:
                raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as threads:
        with pytest.raises(KeyboardInterrupt):
            interrupted(threads)
        assert threads.submit(square, 3).result() == 9
    assert len(ran) < 10


def test_errors_of_tasks_come_through() -> None:
    """At their place."""
    results = run_in_order(refuse_seven, range(10), ThreadPoolExecutor(2))
    assert list(islice(results, 7)) == list(range(7))
    with pytest.raises(ValueError, match="seven"):
        next(results)


@pytest.mark.parametrize("workers", [0, -1, True, 2.0, "many", 10**6])
def test_workers_that_are_none_are_refused(workers: object) -> None:
    """In one sentence."""
    with pytest.raises(InputError, match="give None, 1 to"):
        list(run_in_order(square, [1], workers))  # type: ignore[arg-type]
