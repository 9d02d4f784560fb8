"""Whoever reads the layers, the report has the same bytes; and a worker that dies costs nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tests.checkpoints import toy, write_checkpoint
from verify import CheckpointError, fingerprint, test_lineage
from verify.base import Workers, silent
from verify.data import model
from verify.fingerprint import Effort

pytestmark = pytest.mark.slow


@pytest.fixture(params=["screen", "full"])
def effort(request: pytest.FixtureRequest) -> Effort:
    return request.param  # type: ignore[no-any-return]


def report(effort: Effort, workers: Workers = None, progress: Callable[[str, int, int], None] = silent) -> str:
    """The record of a pair, with a clock that stands still."""
    pair = model("reference"), model("continued-3x")
    created = "2026-01-01T00:00:00+00:00"
    return test_lineage(*pair, effort=effort, workers=workers, progress=progress, created=created).to_json()


def test_processes_and_threads_give_the_same_bytes(effort: Effort) -> None:
    """Fewer or more of them than there are layers."""
    expected = report(effort)
    assert report(effort, workers=1) == expected
    assert report(effort, workers=2) == expected
    with ThreadPoolExecutor(7) as executor:
        assert report(effort, workers=executor) == expected


def test_a_dask_cluster_gives_the_same_bytes(effort: Effort, tmp_path: Path) -> None:
    """Two processes, of which one is killed in the middle; its executor stays open."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", local_directory=tmp_path
    )
    killed: list[int] = []

    def kill(*_: object) -> None:
        if not killed:
            killed.append(next(iter(cluster.workers.values())).process.pid)
            os.kill(killed[0], signal.SIGTERM)

    with cluster, distributed.Client(cluster) as client, client.get_executor() as executor:
        assert report(effort, workers=executor) == report(effort)
        assert report(effort, workers=executor, progress=kill) == report(effort), "one was killed in the middle"
        assert killed
        assert executor.submit(abs, -3).result() == 3


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_processes_that_are_killed_cost_nothing(effort: Effort) -> None:
    """Whenever a layer arrives, the others are killed: a fresh pool goes on, then this process."""
    killed: list[int] = []

    def kill(*_: object) -> None:
        for child in multiprocessing.active_children():
            if child.pid is not None:
                killed.append(child.pid)
                with suppress(ProcessLookupError):  # it has ended by itself meanwhile
                    os.kill(child.pid, signal.SIGKILL)

    assert report(effort, workers=2, progress=kill) == report(effort)
    assert len(killed) >= 2
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [None, 2])
def test_a_layer_that_cannot_be_read_is_one_error(workers: Workers, tmp_path: Path) -> None:
    """The same one from a worker."""
    folder = write_checkpoint(tmp_path / "model", toy())
    whole = (folder / "model.safetensors").read_bytes()
    cut: list[int] = []

    def shorten(*_: object) -> None:
        if not cut:
            cut.append(1)
            os.truncate(folder / "model.safetensors", len(whole) // 3)

    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        fingerprint(folder, effort="standard", workers=workers, progress=shorten)


_PARENT = """
import sys, time
from verify.base import run_in_order
if __name__ == "__main__":
    list(run_in_order(time.sleep, [600] * 4, 2))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the ps of Linux")
def test_workers_end_with_the_process_that_began_them(tmp_path: Path) -> None:
    """Whatever ended it: each holds the pipe that is read here, which ends when all have."""
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, env=environment) as parent:
        deadline = time.monotonic() + 60
        while len(children := _children(parent.pid)) < 3 and time.monotonic() < deadline:  # with the tracker's
            time.sleep(0.1)
        parent.kill()
        _, said = parent.communicate(timeout=60)
    assert len(children) >= 3
    assert b"Traceback" not in said


def _children(pid: int) -> list[str]:
    """Numbers of the processes that a process began."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.split()
