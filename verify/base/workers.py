"""Many tasks, results in order: in this process, in processes of our own, or in anybody's executor.

The library owns no scheduler: a ``dask.distributed`` cluster comes in through its executor
(``Client.get_executor()``), and everything else that speaks ``concurrent.futures`` likewise.
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
"""Tasks under way for each process of ours."""
_AHEAD_OF_OTHERS = 64
"""Tasks under way in an executor whose size we cannot know."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def run_in_order(
    function: Callable[[Item], Result], items: Iterable[Item], workers: Workers = None
) -> Iterator[Result]:
    """Results of ``function`` over ``items``, in their order, whatever the workers do.

    A bounded number of tasks is under way, so ``items`` may be a long generator and results are not piled up. If
    a process dies, the tasks not yet done are given to a fresh pool once, and then done in this process: a result
    never depends on the number of workers or on their luck, provided that ``function`` depends on its item alone.
    An executor handed in is never shut down. When the caller stops early or is interrupted, tasks not yet begun
    are cancelled; the processes end with the tasks they are at.

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
    """What to try, one after another, before this process."""
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
    """Results through one executor; ``rest`` holds what is unfinished at any time."""
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
    """Somebody's executor, left as it is."""

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
    """Processes of our own, ended without waiting for tasks that nobody wants any more.

    Each has one thread for linear algebra: threads of several processes that share cores wait for one another
    (measured here: twenty times slower). An environment that sets a number of threads is left as it is.

    Results come back in files of a folder of our own, and only their names through the pool's pipe: a process that is
    killed in the middle of a long message would leave the reader waiting for the rest of it, for ever.
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
    """Call the function in a process of ours, and keep the result for the one that began it."""
    file.write_bytes(pickle.dumps(function(item), pickle.HIGHEST_PROTOCOL))
    return file


def _begin() -> None:
    """An interrupt at the terminal reaches every process: the workers end at once, and say nothing.

    They end with the process that began them, too: a pool's workers hold each other's pipes open, and would wait for
    tasks for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
