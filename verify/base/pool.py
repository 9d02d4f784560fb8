"""A pool of processes of this library's own."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from uuid import uuid4

Item = TypeVar("Item")
Result = TypeVar("Result")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class Pool:
    """A pool of processes, ended without waiting for tasks that are no longer needed.

    Each process has one thread for linear algebra: with more, processes that share cores wait for one another
    (measured: twenty times slower). An environment that sets a number of threads is respected.

    Results come back as files in a temporary folder, and only their names through the pool's pipe: a process killed
    in the middle of a long message would leave the reader waiting for ever.
    """

    def __init__(self, processes: int) -> None:
        self._processes = processes

    def __enter__(self) -> Pool:
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
        """Hand out a task, whose result will lie in a file."""
        return self._pool.submit(_into_file, function, item, Path(self._folder.name) / uuid4().hex)

    def end(self, future: Future[Path]) -> Any:
        """The result of a task that ended."""
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
