"""Run many tasks and give results in order: in this process, in a pool of processes, or in a caller's executor.

The library has no scheduler of its own: any ``concurrent.futures`` executor can be passed, such as that of a
``dask.distributed`` cluster (``Client.get_executor()``).
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import uuid4

from . import options

Item = TypeVar("Item")
Result = TypeVar("Result")
Workers = int | Executor | None
"""None for this process, a number of processes, or an executor."""

_FRESH_POOLS = 1
_AHEAD = 4
"""Tasks in flight for each process of the pool."""
_AHEAD_OF_OTHERS = 64
"""Tasks in flight in a caller's executor, whose size is unknown."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


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


def _executors(workers: Workers) -> Iterator[tuple[_Borrowed | _Pool, int]]:
    """The executors to try in turn, before this process."""
    workers = options.processes("workers", workers)
    if isinstance(workers, Executor):
        yield _Borrowed(workers), _AHEAD_OF_OTHERS
    elif workers is not None:
        for _ in range(1 + _FRESH_POOLS if workers > 1 else 0):
            yield _Pool(workers), _AHEAD * workers


def _through(
    executor: _Borrowed | _Pool,
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


class _Pool:
    """A pool of processes, ended without waiting for tasks that are no longer needed.

    Each process has one thread for linear algebra: with more, processes that share cores wait for one another
    (measured: twenty times slower). An environment that sets a number of threads is respected.

    Results come back as files in a temporary folder, and only their names through the pool's pipe: a process killed
    in the middle of a long message would leave the reader waiting for ever.
    """

    def __init__(self, processes: int) -> None:
        self._processes = processes

    def __enter__(self) -> _Pool:
        self._folder = TemporaryDirectory(prefix="verify-workers-", ignore_cleanup_errors=True)
        self._set = [name for name in _THREADS if name not in os.environ]
        os.environ.update(dict.fromkeys(self._set, "1"))  # processes begin as tasks come, and inherit it
        self._pool = ProcessPoolExecutor(
            self._processes, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        self._folder.cleanup()
        for name in self._set:
            os.environ.pop(name, None)

    def begin(self, function: Callable[[Item], Result], item: Item) -> Future[Path]:
        return self._pool.submit(_into_file, function, item, Path(self._folder.name) / uuid4().hex)

    def end(self, future: Future[Path]) -> Any:
        file = future.result()
        content = file.read_bytes()
        file.unlink()
        return pickle.loads(content)


def _into_file(function: Callable[[Item], Result], item: Item, file: Path) -> Path:
    """Call the function in a process of the pool, and store the result for the parent."""
    file.write_bytes(pickle.dumps(function(item), pickle.HIGHEST_PROTOCOL))
    return file


def _begin() -> None:
    """Set up a process of the pool: on an interrupt at the terminal, which reaches every process, it ends silently.

    It also ends with its parent: the processes of a pool hold each other's pipes open, and would wait for tasks for
    ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
