"""A screen gives the same bytes whatever the workers and the order, and goes on where it was interrupted."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import screens
from tests.screens import Breaking
from verify import Fingerprint
from verify.screen import ScreenResult, all_pairs, first_stage, plan, screen, second_stage

pytestmark = pytest.mark.slow

family, found = screens.family, screens.found


def bytes_of(result: ScreenResult) -> bytes:
    return result.to_json().encode() + json.dumps(result.columns()).encode()


@pytest.fixture
def small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tasks from few models."""
    monkeypatch.setattr(plan, "TILE", 4)
    monkeypatch.setattr(second_stage, "_BATCH", 2)


@pytest.mark.usefixtures("small_tiles")
def test_the_result_does_not_depend_on_workers_or_order(family: list[Fingerprint], found: ScreenResult) -> None:
    """Nor on the size of tiles."""
    assert bytes_of(screen(family[::-1])) == bytes_of(found)
    with ThreadPoolExecutor(2) as threads:
        assert bytes_of(screen(family, workers=threads)) == bytes_of(found)
    assert bytes_of(screen(family, workers=Breaking(20))) == bytes_of(found)


@pytest.mark.usefixtures("small_tiles")
def test_processes_give_the_same_bytes(family: list[Fingerprint], found: ScreenResult) -> None:
    """Started afresh, and also when one is killed in the middle."""
    killed: list[int] = []

    def kill_one(what: str, done: int, _: int) -> None:
        if what == "first stage" and done == 1 and not killed:
            killed.extend(child.pid for child in multiprocessing.active_children()[:1] if child.pid)
            os.kill(killed[0], signal.SIGKILL)

    assert bytes_of(screen(family, workers=2, progress=kill_one)) == bytes_of(found)
    assert killed


@pytest.mark.usefixtures("small_tiles")
def test_a_dask_cluster_gives_the_same_bytes(family: list[Fingerprint], found: ScreenResult, tmp_path: Path) -> None:
    """Through its executor."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0", local_directory=tmp_path
    )
    with cluster, distributed.Client(cluster) as client:
        assert bytes_of(screen(family, workers=client.get_executor(), folder=tmp_path / "out")) == bytes_of(found)


@pytest.mark.usefixtures("small_tiles")
def test_an_interrupted_screen_goes_on_where_it_was(
    family: list[Fingerprint], found: ScreenResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished tiles are not made again."""
    made: list[int] = []
    real = first_stage.bound_tile

    def counted(*args: object) -> first_stage.TileBounds:
        made.append(1)
        if len(made) == 4:
            raise KeyboardInterrupt
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(all_pairs, "bound_tile", counted)
    with pytest.raises(KeyboardInterrupt):
        screen(family, folder=tmp_path)
    made.extend([0] * 9)
    assert bytes_of(screen(family, folder=tmp_path)) == bytes_of(found)
    assert len(made) == 13 + 9 - 3
    assert len(list((tmp_path / ".work" / "results").glob("*/first-*.json"))) == 9
