"""Servers that fail: what passes is asked for again, what does not is one sentence, and files are never mixed."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from tests import places
from tests.places import DATA, TOKEN, no_refusal, of_web
from tests.server import Server, busy, dripping, dropped, running, short
from verify import CheckpointError, open_checkpoint
from verify.base import InputError
from verify.checkpoint import Location
from verify.checkpoint.places import retry
from verify.checkpoint.places.http import RangeFetch, Reply, Resource
from verify.checkpoint.places.hub import find_on_hub
from verify.checkpoint.places.retry import TransientError
from verify.data import model

hub, own_cache, web = places.hub, places.own_cache, places.web


@pytest.mark.parametrize(
    "fault",
    [
        busy(503),
        busy(500),
        busy(429, "0"),
        busy(429, format_datetime(datetime.now(UTC) - timedelta(hours=1))),
        busy(429, "soon"),
        dropped(1000),
        dropped(0),
        short(1),
    ],
    ids=["503", "500", "429", "429-date", "429-nonsense", "dropped", "dropped-at-once", "short"],
)
@pytest.mark.parametrize("place", ["web", "hub"])
def test_what_passes_is_asked_for_again(place: str, fault: Any, request: pytest.FixtureRequest) -> None:
    """The bytes are right all the same."""
    server: Server = request.getfixturevalue(place)
    if place == "web":
        file, content = of_web(server), DATA
        server.faults += [("data.bin", fault)] * 2
    else:
        found = find_on_hub(Location("hf://org/name"))
        assert found is not None
        file = found[0].file("model.safetensors")  # type: ignore[assignment]
        content = (Path(model("reference")) / "model.safetensors").read_bytes()
        assert server.storage is not None
        server.storage.faults += [("model.safetensors", fault)] * 2
    assert [part.tobytes() for part in file.read([(5, 70_000), (300_000, 400_000)])] == [
        content[5:70_000],
        content[300_000:400_000],
    ]
    assert server.faults == []
    assert server.storage is None or server.storage.faults == []


def test_a_server_that_stays_busy_is_given_up_and_what_arrived_stays(web: Server) -> None:
    """One sentence; the next run fetches only the rest."""
    wanted = [(0, 1000), (500_000, 501_000)]
    file = of_web(web)
    file.read(wanted[:1])
    web.faults += [("data.bin", busy(503))] * 6
    with pytest.raises(
        CheckpointError, match=r"data.bin cannot be fetched \(status 503, 6 attempts\); what was"
    ) as info:
        file.read(wanted)
    assert "127.0.0.1" not in str(info.value)
    again = of_web(web)
    web.reset()
    assert [part.tobytes() for part in again.read(wanted)] == [DATA[a:b] for a, b in wanted]
    assert [asked.range for asked in web.asked] == [(500_000, 501_000)]


def test_parts_that_arrived_before_a_failure_are_kept(web: Server) -> None:
    """Of one read, too."""
    wanted = [(at, at + 10) for at in range(0, 1_400_000, 100_000)]
    file, fetch = of_web(web), of_web(web).fetch

    def broken(start: int, stop: int) -> bytes:
        if start == 1_300_000:
            time.sleep(0.1)
            raise CheckpointError("broken")
        return fetch(start, stop)

    file.fetch = broken
    with pytest.raises(CheckpointError, match="broken"):
        file.read(wanted)
    again = of_web(web)
    web.reset()
    again.read(wanted)
    assert [asked.range for asked in web.asked] == [(1_300_000, 1_300_010)]


def test_a_long_wait_is_left_to_the_user(web: Server) -> None:
    """An hour is not slept through."""
    file = of_web(web)
    web.faults.append(("data.bin", busy(429, "3600")))
    with pytest.raises(CheckpointError, match="try again in 3600 seconds"):
        file.read([(0, 10)])


def test_bytes_that_drip_have_an_end_that_the_user_sets(web: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each byte comes in time, and in one sentence that says how to wait longer."""
    file = of_web(web)
    monkeypatch.setenv("VERIFY_PATIENCE", "0.3")
    web.faults += [("data.bin", dripping(0.05))] * 6
    start = time.monotonic()
    with pytest.raises(CheckpointError, match=r"bytes came in .* seconds, 1 attempts.*set VERIFY_PATIENCE to more"):
        file.read([(0, 1000)])
    assert time.monotonic() - start < 5
    monkeypatch.setenv("VERIFY_PATIENCE", "60")
    web.faults[:] = [("data.bin", dripping(0.001))]
    assert file.read([(0, 100)])[0].tobytes() == DATA[:100]


def test_slow_bytes_that_keep_coming_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second more for every 10 kB."""
    now = iter(range(0, 10_000, 10))
    monkeypatch.setattr(retry.time, "monotonic", lambda: float(next(now)))
    monkeypatch.setenv("VERIFY_PATIENCE", "20")
    assert b"".join(retry.patient([bytes(100_000)] * 50)) == bytes(5_000_000)
    with pytest.raises(TransientError, match="bytes came in"):
        list(retry.patient([bytes(50_000)] * 50))


def test_waits_add_up_to_patience_and_long_ones_are_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that asks for five minutes again and again is left to the user, who sees each wait."""
    clock = [0.0]
    monkeypatch.setattr(retry.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(retry.time, "sleep", lambda wait: clock.__setitem__(0, clock[0] + wait))

    def attempt() -> str:
        raise TransientError("status 429", 299.0)

    with pytest.raises(CheckpointError, match=r"3 attempts.* in 299 seconds, or set VERIFY_PATIENCE to more"):
        retry.with_retries(attempt, "x")
    assert clock[0] == 598.0
    assert [record.levelname for record in caplog.records if "asking again" in record.message] == ["WARNING"] * 2


@pytest.mark.parametrize("given", ["0", "-1", "nan", "inf", "soon", "1e9"])
def test_patience_is_seconds(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """Anything else is refused with what it is."""
    monkeypatch.setenv("VERIFY_PATIENCE", given)
    with pytest.raises(InputError, match=f"VERIFY_PATIENCE is '{given}'"):
        retry.patience()


def test_the_wait_that_the_server_asks_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the second."""
    waits: list[float] = []
    monkeypatch.setattr(retry.time, "sleep", waits.append)
    answers = iter([TransientError("busy", 7.0), TransientError("busy"), None])

    def attempt() -> str:
        if (error := next(answers)) is not None:
            raise error
        return "done"

    assert retry.with_retries(attempt, "x") == "done"
    assert waits[0] == 7.0
    assert len(waits) == 2


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"ratelimit": '"resolvers";r=0;t=77'}, 77.0),
        ({"retry-after": "never"}, None),
        ({"retry-after": "Mon, 01 Jan 99999999999 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_how_long_a_server_asks_to_wait(headers: dict[str, str], wait: float | None) -> None:
    """By its standard header, else by the Hub's."""
    resource = Resource(lambda *_: Reply(429, headers, b""), "https://host/x", {}, "x", no_refusal)
    with pytest.raises(TransientError) as info:
        resource.part(0, 1)
    assert info.value.wait == wait


def test_nobody_there_is_one_sentence() -> None:
    """A closed port."""
    with running() as server:
        pass
    with pytest.raises(CheckpointError, match="cannot be fetched"):
        open_checkpoint(f"{server.url}/folder/")


def test_a_server_without_ranges_is_refused_rather_than_downloaded() -> None:
    """The file is large: nothing of it is read. A small one is taken."""
    with running(Server(ranges=False)) as server:
        server.files |= {"/folder/large": bytes(30_000_000), "/folder/small": DATA[:1000]}
        with pytest.raises(CheckpointError, match="no byte ranges and would send all 30000000 bytes of large"):
            of_web(server, "large").read([(10, 20)])
        assert of_web(server, "small").read([(10, 20)])[0].tobytes() == DATA[10:20]


@pytest.mark.parametrize("size", [len(DATA), len(DATA) - 5, len(DATA) + 5])
def test_a_file_that_changes_is_an_error_and_never_a_mixture(web: Server, size: int) -> None:
    """Neither in what is read nor in what is kept."""
    file = of_web(web)
    before = file.read([(0, 1000)])[0].tobytes()
    web.files["/folder/data.bin"] = other = bytes(size)
    with pytest.raises(CheckpointError, match=r"data.bin changed while it was read; start again"):
        file.read([(0, 1000), (500_000, 501_000)])
    assert before == DATA[:1000]
    anew = of_web(web)
    assert [part.tobytes() for part in anew.read([(0, 1000), (500_000, 501_000)])] == [other[:1000], other[:1000]]


def test_a_file_that_shrank_below_the_range_changed(web: Server) -> None:
    """416 says so."""
    file = of_web(web)
    web.files["/folder/data.bin"] = DATA[:10]
    with pytest.raises(CheckpointError, match="changed while it was read"):
        file.read([(500_000, 501_000)])


@pytest.mark.parametrize("etag", ["", 'W/"weak"'])
def test_without_a_version_nothing_is_kept(web: Server, etag: str) -> None:
    """What cannot be told apart may not be joined."""
    web.etags["/folder/data.bin"] = etag
    of_web(web).read([(0, 10)])
    web.files["/folder/data.bin"] = bytes(len(DATA))
    assert of_web(web).read([(0, 10)])[0].tobytes() == bytes(10)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-range": "bytes 1-10/100"},
        {"content-range": "bytes 0-9/99"},
        {"content-range": "bytes 0-9/*"},
        {"content-range": "items 0-9/100"},
        {"content-range": "bytes 9-0/100"},
        {"content-range": f"bytes 0-9/{10**40}"},
        {},
        {"content-range": "bytes 0-9/100", "content-encoding": "gzip"},
    ],
)
def test_answers_that_are_not_the_range_are_refused(headers: dict[str, str]) -> None:
    """Whatever a server claims to have sent."""
    resource = Resource(lambda *_: Reply(206, headers, bytes(10)), "https://host/x", {}, "x", no_refusal)
    with pytest.raises(CheckpointError, match=r"other bytes of x|changed while|compressed"):
        RangeFetch(resource, 100)(0, 10)


def test_an_authorization_stays_at_its_origin_and_redirects_end() -> None:
    """Another port is another origin; https never becomes http; a circle is an error."""
    seen: list[tuple[str, bool]] = []
    targets = {"https://a/x": "https://a/y", "https://a/y": "https://a:444/x", "https://a:444/x": "http://a/z"}

    def get(url: str, headers: dict[str, str], _: int) -> Reply:
        seen.append((url, "Authorization" in headers))
        return Reply(302, {"location": targets[url]}, b"")

    resource = Resource(get, "https://a/x", {"Authorization": TOKEN}, "x", no_refusal)
    with pytest.raises(CheckpointError, match="redirects x to an unsafe address"):
        resource.part(0, 1)
    assert seen == [("https://a/x", True), ("https://a/y", True), ("https://a:444/x", False)]
    targets["https://a:444/x"] = "https://a/x"
    with pytest.raises(CheckpointError, match="more than 5 times"):
        resource.part(0, 1)
