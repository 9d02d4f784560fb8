"""Cache of a screen's finished tasks, so that an interrupted screen resumes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from ..base import Workers, digest, run_in_order, software, write_atomically

VERSION = 4
"""Version of the stages; a change invalidates cached results."""

Made = TypeVar("Made")


class TaskCache:
    """Results of finished tasks, one file each, under a digest of everything they depend on."""

    def __init__(self, work: Path, depends_on: Mapping[str, Any]) -> None:
        content = {**depends_on, "stages": VERSION, "software": software("scipy")}
        self._place = work / "results" / digest(content)[-32:]
        for other in self._place.parent.glob("*"):
            if other != self._place:
                shutil.rmtree(other, ignore_errors=True)

    def run(
        self,
        name: str,
        function: Callable[[Any], Made],
        tasks: list[Any],
        workers: Workers,
        stored: Callable[[Made], Any],
        restored: Callable[[Any], Made],
        progress: Callable[[int, int], None],
    ) -> list[Made]:
        """Results of all tasks in order: cached ones are loaded, others are computed and cached one by one.

        Parameters
        ----------
        name : name of the stage, part of the file names.
        function : makes the result of one task.
        tasks : the tasks.
        workers : as in :func:`verify.base.run_in_order`.
        stored : result to JSON value.
        restored : JSON value to result.
        progress : called with tasks done and tasks in all.

        Returns
        -------
        list
            Results in the order of the tasks.
        """
        results: dict[int, Made] = {}
        for n in range(len(tasks)):
            try:
                results[n] = restored(json.loads(self._file(name, n).read_bytes()))
            except (OSError, ValueError, TypeError, KeyError):
                continue  # missing or damaged
        missing = [n for n in range(len(tasks)) if n not in results]
        done = len(results)
        progress(done, len(tasks))
        for n, result in zip(missing, run_in_order(function, [tasks[n] for n in missing], workers), strict=True):
            write_atomically(self._file(name, n), json.dumps(stored(result)).encode())
            results[n] = result
            done += 1
            progress(done, len(tasks))
        return [results[n] for n in range(len(tasks))]

    def _file(self, name: str, n: int) -> Path:
        return self._place / f"{name}-{n:06d}.json"
