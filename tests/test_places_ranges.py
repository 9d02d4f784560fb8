"""Ranges of bytes: exact, only those asked for, in few requests, never twice."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import places
from tests.places import DATA, of_web
from tests.server import Server
from verify import CheckpointError
from verify.base import Cache
from verify.checkpoint.places import ranges
from verify.checkpoint.places.range_cache import RangeCache
from verify.checkpoint.places.ranges import GAP, Meter, RemoteFile

own_cache, web = places.own_cache, places.web

BYTES = st.integers(0, 3000)
RANGES = st.lists(st.tuples(BYTES, BYTES).map(lambda pair: (min(pair), max(pair))), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reads=st.lists(RANGES, min_size=1, max_size=4), kept=st.booleans(), gap=st.sampled_from([0, 7, 500]))
def test_any_ranges_are_the_bytes_and_nothing_is_fetched_twice(
    reads: list[list[tuple[int, int]]], kept: bool, gap: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was read before: equal bytes; at most what is wanted and the gaps; nothing at all the second time."""
    monkeypatch.setattr(ranges, "GAP", gap)
    monkeypatch.setattr(ranges, "_LARGEST", 400)
    content, fetched = DATA[:3000], []

    def fetch(start: int, stop: int) -> bytes:
        fetched.append((start, stop))
        return content[start:stop]

    with tempfile.TemporaryDirectory() as folder:

        def opened() -> RemoteFile:
            keep = RangeCache(Cache(Path(folder)), {"file": "x"}, 3000) if kept else None
            return RemoteFile("x", 3000, fetch, Meter("here"), keep)

        file, seen = opened(), set[int]()
        for wanted in reads:
            fetched.clear()
            found = file.read(wanted)
            assert [part.tobytes() for part in found] == [content[start:stop] for start, stop in wanted]
            assert not any(part.flags.writeable for part in found)
            need = {byte for start, stop in wanted for byte in range(start, stop)} - (seen if kept else set())
            got = [byte for start, stop in fetched for byte in range(start, stop)]
            assert need <= set(got)
            assert len(got) == len(set(got))  # no byte twice within one read
            assert len(got) <= len(need) + gap * max(0, len(fetched) + len(wanted))
            assert all(stop - start <= 400 for start, stop in fetched)
            if gap == 0:
                assert set(got) == need
            seen |= set(got)
        fetched.clear()
        for again in (file, opened()) if kept else ():
            for wanted in reads:
                assert [part.tobytes() for part in again.read(wanted)] == [content[a:b] for a, b in wanted]
        assert fetched == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RANGES.map(lambda pairs: [(400 * start, 400 * stop) for start, stop in pairs]))
def test_a_server_sends_what_was_asked_and_no_more(web: Server, wanted: list[tuple[int, int]]) -> None:
    """Over the wire, too, with many requests at a time."""
    file = of_web(web)
    file.kept = None
    web.reset()
    assert [part.tobytes() for part in file.read(wanted)] == [DATA[a:b] for a, b in wanted]
    need = sum(stop - start for start, stop in _union(wanted))
    assert need <= web.sent <= need + GAP * len(wanted)


def _union(wanted: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, stop in sorted(pair for pair in wanted if pair[0] < pair[1]):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(stop, found[-1][1])
        else:
            found.append((start, stop))
    return found


def test_near_ranges_share_a_request_and_far_ones_do_not(web: Server) -> None:
    """The gap decides."""
    file = of_web(web)
    web.reset()
    file.read([(0, 10), (GAP, GAP + 10), (900_000, 900_010)])
    assert sorted(asked.range for asked in web.asked if asked.range) == [(0, GAP + 10), (900_000, 900_010)]


def test_requests_run_in_parallel(web: Server) -> None:
    """Sixteen at a time: the slowest request is waited for, not their sum."""
    web.latency = 0.0
    file = of_web(web)
    running_now, most = 0, 0
    fetch = file.fetch

    def watched(start: int, stop: int) -> bytes:
        nonlocal running_now, most
        running_now += 1
        most = max(most, running_now)
        time.sleep(0.02)
        running_now -= 1
        return fetch(start, stop)

    file.fetch = watched
    file.read([(at, at + 10) for at in range(0, 1_400_000, 70_000)])
    assert 4 < most <= 16


@pytest.mark.parametrize("wanted", [(-1, 5), (0, len(DATA) + 1), (len(DATA) + 1, len(DATA) + 1)])
def test_ranges_outside_the_file_are_refused(web: Server, wanted: tuple[int, int]) -> None:
    """Offsets come from hostile headers."""
    with pytest.raises(CheckpointError, match="were asked for"):
        of_web(web).read([wanted])
