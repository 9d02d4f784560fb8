"""Run many tasks and give results in order: in this process, in a pool of processes, or in a caller's executor.

The library has no scheduler of its own: any ``concurrent.futures`` executor can be passed, such as that of a
``dask.distributed`` cluster (``Client.get_executor()``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from . import options

if TYPE_CHECKING:
    from .pool import Pool

Item = TypeVar("Item")
Result = TypeVar("Result")
Workers = int | Executor | None
"""None for this process, a number of processes, or an executor."""

_FRESH_POOLS = 1
_AHEAD = 4
"""Tasks in flight for each process of the pool."""
_AHEAD_OF_OTHERS = 64
"""Tasks in flight in a caller's executor, whose size is unknown."""


def run_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], workers: Workers = None
) -> Iterator[Result]:
    """Apply ``function`` to ``items`` and yield the results in their order, whatever the workers.

    A bounded number of tasks is in flight, so ``items`` may be a long generator and results do not pile up. If a
    process dies, the unfinished tasks go to a fresh pool once, and then to this process: results depend neither on
    the number of workers nor on failures, provided that ``function`` depends on its item alone. An executor passed in
    is never shut down. If the caller stops early or is interrupted, tasks not yet begun are cancelled, and the
    processes end after their current tasks.

    Parameters
    ----------
    function : a function of one item; for processes, one that pickle finds by name (or a partial of one).
    items : read as tasks are handed out.
    workers : None for this process, a number of processes (started afresh, "spawn"), or an executor.

    Raises
    ------
    InputError
        If ``workers`` is none of these.
    Exception
        Whatever ``function`` raises, at the place of its item.

    Examples
    --------
    >>> list(run_in_order(abs, [-3, 2, -1]))
    [3, 2, 1]
    """
    rest: deque[Item] = deque()  # handed out, results not yet seen
    source = iter(items)
    for executor, ahead in _executors(workers):
        try:
            with executor as running:
                yield from _through(running, function, rest, source, ahead)
            return
        except _BrokenError:
            continue
    while rest:
        yield function(rest.popleft())
    yield from map(function, source)


class _BrokenError(Exception):
    """The executor lost a worker; not an error of a task."""


def _executors(workers: Workers) -> Iterator[tuple[_Borrowed | Pool, int]]:
    """The executors to try in turn, before this process."""
    workers = options.processes("workers", workers)
    if isinstance(workers, Executor):
        yield _Borrowed(workers), _AHEAD_OF_OTHERS
    elif workers is not None and workers > 1:
        from .pool import Pool  # with all that starting processes needs

        for _ in range(1 + _FRESH_POOLS):
            yield Pool(workers), _AHEAD * workers


def _through(
    executor: _Borrowed | Pool,
    function: Callable[[Item], Result],
    rest: deque[Item],
    source: Iterator[Item],
    ahead: int,
) -> Iterator[Result]:
    """Results through one executor; ``rest`` holds the unfinished items at any time."""
    futures: deque[Future[Any]] = deque()
    try:
        with _noticed():
            futures.extend(executor.begin(function, item) for item in rest)
        for item in source:
            rest.append(item)
            with _noticed():
                futures.append(executor.begin(function, item))
            if len(futures) >= ahead:
                with _noticed():
                    result = executor.end(futures[0])
                futures.popleft()
                rest.popleft()
                yield result
        while futures:
            with _noticed():
                result = executor.end(futures[0])
            futures.popleft()
            rest.popleft()
            yield result
    finally:
        for future in futures:
            future.cancel()


@contextmanager
def _noticed() -> Iterator[None]:
    try:
        yield
    except BrokenExecutor as error:
        raise _BrokenError from error


class _Borrowed:
    """The caller's executor, which is not shut down."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def __enter__(self) -> _Borrowed:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, function: Callable[[Item], Result], item: Item) -> Future[Result]:
        return self._executor.submit(function, item)

    def end(self, future: Future[Result]) -> Result:
        return future.result()
