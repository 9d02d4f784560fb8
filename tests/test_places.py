"""Checkpoints that lie elsewhere: exact bytes, only those asked for, never twice, never mixed; no secret shown."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.checkpoints import toy, write_checkpoint
from tests.refusals import one_line
from tests.server import SIGNATURE, Answer, Asked, Server, busy, dropped, running, short
from verify import CheckpointError, InputError, fingerprint, open_checkpoint, test_lineage
from verify.base import Cache, write_atomically
from verify.checkpoint import Checkpoint, Location
from verify.checkpoint.card import Declaration, declared_base
from verify.checkpoint.places import client, ranges, retry
from verify.checkpoint.places.http import RangeFetch, Reply, Resource, joined, split, without_secrets
from verify.checkpoint.places.hub import HubFolder, find_on_hub
from verify.checkpoint.places.place import LocalFile, LocalFolder
from verify.checkpoint.places.range_cache import RangeCache, kept_bytes
from verify.checkpoint.places.ranges import GAP, Meter, RemoteFile
from verify.checkpoint.places.retry import TransientError
from verify.checkpoint.places.web import find_on_web
from verify.cli import main
from verify.data import model
from verify.fingerprint import Effort, scan
from verify.panel import build_panel
from verify.panel.recipe import Recipe

TOKEN = "hf_this_is_a_secret_token"
DATA = np.random.default_rng(0).integers(0, 256, 1_500_000, np.uint8).tobytes()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of this test alone, none of the user's tokens, and no waiting."""
    import huggingface_hub.utils
    from huggingface_hub import constants

    folder = tmp_path / "cache"
    monkeypatch.setenv("VERIFY_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)
    yield folder
    getattr(huggingface_hub.utils, "close_session", getattr(huggingface_hub.utils, "reset_sessions", None))()
    client.close()


@pytest.fixture
def web() -> Iterator[Server]:
    """A web server with one large file."""
    with running() as server:
        server.files["/folder/data.bin"] = DATA
        yield server


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A Hub with one shipped model, whose storage is another host."""
    from huggingface_hub import constants

    with running() as server, running() as storage:
        server.storage, storage.hub = storage, server
        server.commit("org/name", {path.name: path.read_bytes() for path in Path(model("reference")).iterdir()})
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        yield server


def of_web(server: Server, name: str = "data.bin") -> RemoteFile:
    """A file as a new process would open it."""
    return find_on_web(f"{server.url}/folder/")[0].file(name)


def everything(checkpoint: Checkpoint) -> dict[Any, bytes]:
    """All canonical tensors."""
    layers = [None, *range(checkpoint.architecture.layers)]
    return {key: checkpoint.read(*key).tobytes() for layer in layers for key in checkpoint.keys(layer)}


def kept_text(folder: Path) -> bytes:
    """All that a cache holds, and the names in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\n".join([os.fsencode(path) + path.read_bytes() for path in files])


# Ranges ---------------------------------------------------------------------------------------------------------

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


# Failures -------------------------------------------------------------------------------------------------------


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
    resource = Resource(lambda *_: Reply(429, headers, b""), "https://host/x", {}, "x", _no_refusal)
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
    resource = Resource(lambda *_: Reply(206, headers, bytes(10)), "https://host/x", {}, "x", _no_refusal)
    with pytest.raises(CheckpointError, match=r"other bytes of x|changed while|compressed"):
        RangeFetch(resource, 100)(0, 10)


def _no_refusal(what: str, reply: Reply) -> CheckpointError:
    return CheckpointError(f"{what} {reply.status}")


def test_an_authorization_stays_at_its_origin_and_redirects_end() -> None:
    """Another port is another origin; https never becomes http; a circle is an error."""
    seen: list[tuple[str, bool]] = []
    targets = {"https://a/x": "https://a/y", "https://a/y": "https://a:444/x", "https://a:444/x": "http://a/z"}

    def get(url: str, headers: dict[str, str], _: int) -> Reply:
        seen.append((url, "Authorization" in headers))
        return Reply(302, {"location": targets[url]}, b"")

    resource = Resource(get, "https://a/x", {"Authorization": TOKEN}, "x", _no_refusal)
    with pytest.raises(CheckpointError, match="redirects x to an unsafe address"):
        resource.part(0, 1)
    assert seen == [("https://a/x", True), ("https://a/y", True), ("https://a:444/x", False)]
    targets["https://a:444/x"] = "https://a/x"
    with pytest.raises(CheckpointError, match="more than 5 times"):
        resource.part(0, 1)


# The Hub --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["hf://org/name", "org/name", "org/name@main", "hf://org/name@main"])
def test_a_model_of_the_hub_is_the_model(hub: Server, address: str) -> None:
    """The same tensors, names, tokens and digests as on the disk."""
    local, remote = open_checkpoint(model("reference")), open_checkpoint(address)
    assert remote.name == "name"
    assert remote.origin == "hf://org/name"
    assert remote.revision == hub.branches["org/name", "main"]
    assert remote.architecture == local.architecture
    assert remote.vocabulary() == local.vocabulary()
    assert everything(remote) == everything(local)
    assert remote.files(read=False) == local.files()


@pytest.mark.parametrize("fault", [busy(503), busy(429, "0"), dropped(0), dropped(5)])
def test_a_hub_that_is_busy_is_asked_again_for_its_listing(hub: Server, fault: Any) -> None:
    """Its own library does not."""
    hub.faults += [("/api/models/", fault)] * 2
    assert open_checkpoint("org/name").revision == hub.branches["org/name", "main"]
    assert hub.faults == []


def test_only_the_header_is_fetched_to_open(hub: Server) -> None:
    """And the configuration."""
    assert hub.storage is not None
    open_checkpoint("org/name")
    header = int.from_bytes((Path(model("reference")) / "model.safetensors").read_bytes()[:8], "little")
    config = (Path(model("reference")) / "config.json").stat().st_size
    assert hub.storage.sent == 8 + header + config
    assert len(hub.of("/resolve/")) == 2  # the target of a redirect is remembered


def test_a_second_run_asks_for_nothing_but_the_revision(hub: Server) -> None:
    """Nor for that, where the commit is named."""
    first = everything(open_checkpoint("org/name"))
    assert hub.storage is not None
    hub.reset()
    hub.storage.reset()
    assert everything(open_checkpoint("org/name")) == first
    assert [asked.path for asked in hub.asked if "agent" not in asked.path] == ["/api/models/org/name/revision/main"]
    hub.reset()
    assert everything(open_checkpoint(f"hf://org/name@{hub.branches['org/name', 'main']}")) == first
    assert hub.asked == []
    assert hub.storage.asked == []


def test_an_interrupted_fingerprint_goes_on_where_it_stopped(
    hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both runs together fetch what one would have; the record is that of one."""
    storage = hub.storage
    assert storage is not None
    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path / "uninterrupted"))
    expected = fingerprint("org/name")
    once = storage.sent
    assert 0 < once < (Path(model("reference")) / "model.safetensors").stat().st_size
    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path / "interrupted"))
    storage.reset()

    def failing_later(asked: Asked, answer: Answer) -> None:
        if asked.range is not None and asked.range[0] > 400_000:
            answer.status, answer.body, answer.headers = 418, b"", {}
        else:
            storage.faults.append(("model.safetensors", failing_later))

    storage.faults.append(("model.safetensors", failing_later))
    with pytest.raises(CheckpointError, match=r"The Hub refuses model\.safetensors \(status 418\)"):
        fingerprint("org/name")
    first = storage.sent
    assert 0 < first < once
    storage.faults.clear()
    found = fingerprint("org/name")
    assert storage.sent == once
    assert found.record.files == expected.record.files
    assert all(np.array_equal(found.arrays[name], array, equal_nan=True) for name, array in expected.arrays.items())


def test_a_branch_that_moves_does_not_mix(hub: Server, tmp_path: Path) -> None:
    """A checkpoint that is open stays at its commit; opened anew it is the new one."""
    old = open_checkpoint("org/name")
    commit = hub.branches["org/name", "main"]
    folder = write_checkpoint(tmp_path / "new", toy())
    hub.commit("org/name", {path.name: path.read_bytes() for path in folder.iterdir()})
    assert everything(old) == everything(open_checkpoint(model("reference")))
    new = open_checkpoint("org/name")
    assert new.revision != commit
    assert everything(new) == everything(open_checkpoint(folder))
    by_hash = open_checkpoint(Location("org/name", revision=commit))
    assert everything(by_hash) == everything(old)


def test_files_folders_and_branches_of_a_repository(hub: Server, tmp_path: Path) -> None:
    """By address, sharded too."""
    files = {path.name: path.read_bytes() for path in write_checkpoint(tmp_path / "x", toy(), shards=3).iterdir()}
    nested = {f"sub/{name}": content for name, content in files.items()}
    hub.commit("org/other", nested | {"README.md": b"hello"}, branch="refs/pr/3")
    local = everything(open_checkpoint(tmp_path / "x"))
    remote = open_checkpoint("hf://org/other@refs/pr/3/sub")
    assert everything(remote) == local
    assert (remote.name, remote.origin) == ("sub", "hf://org/other/sub")
    shard = next(name for name in nested if name.endswith("3.safetensors"))
    found = find_on_hub(Location(f"hf://org/other@refs/pr/3/{shard}"))
    assert found is not None
    assert found[1] == Path(shard).name
    with pytest.raises(CheckpointError, match="holds no files"):
        open_checkpoint("hf://org/other@refs/pr/3/nowhere")


def test_a_path_of_this_machine_wins(hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is asked."""
    write_checkpoint(tmp_path / "org" / "name", toy())
    monkeypatch.chdir(tmp_path)
    assert open_checkpoint("org/name").origin is None
    assert hub.asked == []


@pytest.mark.parametrize(
    ("location", "message"),
    [
        (Location("org/absent"), "org/absent@main is neither a path here nor on the Hub, or it is private"),
        (Location("org/name@nowhere"), "org/name@nowhere does not exist on the Hub; check the revision"),
        (Location("org/name@main", revision="other"), "Revisions 'main' and 'other' are both asked for"),
        (Location("hf://org/name/model.safetensors@main"), "no address of the Hub"),
        (Location("hf://../name"), "no address of the Hub"),
        (Location("no/such/file"), "'no/such/file' does not exist; give"),
        (Location("org/absent"), "'org/absent' does not exist: there is no such folder or file here, and of the Hub"),
        (Location("https:///x"), "names no host"),
        (Location("s3://bucket/x", revision="main"), "A revision is of the Hub"),
        (Location("nosuchscheme://bucket/x"), "takes an fsspec file system of that name"),
    ],
)
@pytest.mark.usefixtures("hub")
def test_what_is_not_there_is_one_sentence(location: Location, message: str) -> None:
    """With what to do."""
    with pytest.raises(CheckpointError, match=message):
        open_checkpoint(location)


def test_a_gated_model_takes_a_token_which_is_shown_nowhere(
    hub: Server, own_cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in logs, records, errors, caches or representations; not to the storage; nor the signature of that."""
    hub.secret = TOKEN
    said: list[str] = []
    with caplog.at_level(logging.DEBUG, logger="verify"):
        with pytest.raises(CheckpointError, match="org/name is gated; ask for access") as info:
            open_checkpoint("org/name")
        said.append(str(info.value))
        with pytest.raises(CheckpointError, match="gated") as info:
            open_checkpoint(Location("org/name", token=TOKEN + "x"))
        said.append(str(info.value))
        location = Location("org/name", token=TOKEN)
        remote = open_checkpoint(location)
        everything(remote)
        place = find_on_hub(location)
        assert place is not None
        said += [repr(location), repr(place), repr(place[0].file("config.json")), repr(vars(remote))]
        assert hub.storage is not None
        everywhere = kept_text(own_cache)
        Cache.default().clear()
        place = find_on_hub(location)
        assert place is not None
        for fault in (busy(503), dropped(0)):
            hub.storage.faults += [("model.safetensors", fault)] * 6
            with pytest.raises(CheckpointError, match="6 attempts") as info:
                place[0].file("model.safetensors").read([(700_000, 800_000)])
            said.append(str(info.value))
        del remote, place
    mine = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("verify"))
    assert "bytes" in mine
    for text in (mine, *said):
        assert TOKEN not in text
        assert SIGNATURE not in text
    assert TOKEN not in caplog.text
    assert len(everywhere) > 100_000
    assert TOKEN.encode() not in everywhere
    assert SIGNATURE.encode() not in everywhere
    assert hub.storage.asked
    assert all(asked.authorization is None for asked in hub.storage.asked)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert open_checkpoint("org/name@main").revision


@pytest.mark.usefixtures("hub")
def test_no_library_logs_an_address_that_is_read(web: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is logged of requests: a signature in a query is as good as a token."""
    with caplog.at_level(logging.DEBUG):
        everything(open_checkpoint("org/name"))
        place, name = find_on_web(f"{web.url}/folder/data.bin?{SIGNATURE}")
        place.file(name or "").read([(0, 8)])
        logging.getLogger("httpx2").warning("somebody else's")
    assert "verify.places" in {record.name for record in caplog.records}
    assert SIGNATURE not in caplog.text
    assert "somebody else's" in caplog.text


def test_cookies_are_not_sent_back(web: Server) -> None:
    """They would follow a reader from one port of a host to another."""

    def with_cookie(_: Asked, answer: Answer) -> None:
        answer.headers["Set-Cookie"] = "session=secret; Path=/"

    web.faults.append(("data.bin", with_cookie))
    of_web(web).read([(0, 8)])
    assert len(web.asked) == 2
    assert all(asked.cookie is None for asked in web.asked)


def test_a_signature_that_expires_is_renewed(hub: Server) -> None:
    """The storage refuses an old target; the Hub gives a new one."""
    found = find_on_hub(Location("org/name"))
    assert found is not None
    file, content = found[0].file("model.safetensors"), (Path(model("reference")) / "model.safetensors").read_bytes()
    file.read([(0, 10)])
    assert hub.storage is not None
    hub.storage.faults.append(("model.safetensors", busy(403)))
    assert file.read([(400_000, 400_010)])[0].tobytes() == content[400_000:400_010]
    assert len(hub.of("/resolve/")) == 2


def test_offline_only_the_caches_are_read(hub: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there works; what is not is a sentence; nothing is asked."""
    from huggingface_hub import constants

    first = everything(open_checkpoint("org/name"))
    assert hub.storage is not None
    hub.reset()
    hub.storage.reset()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    remote = open_checkpoint("org/name")
    assert everything(remote) == first
    place = find_on_hub(Location("org/name"))
    assert place is not None
    with pytest.raises(CheckpointError, match=r"HF_HUB_OFFLINE is set, and bytes 0 to 1 of lineage\.json are in no"):
        place[0].file("lineage.json").read([(0, 1)])
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE is set, and org/other@main is in no cache"):
        open_checkpoint("org/other")
    assert hub.asked == []
    assert hub.storage.asked == []


def test_the_hubs_own_cache_is_used(hub: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File by file; offline as a whole."""
    from huggingface_hub import constants

    commit, source = hub.branches["org/name", "main"], Path(model("reference"))
    snapshot = tmp_path / "hub" / "models--org--name" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        (snapshot / name).write_bytes((source / name).read_bytes())
    (snapshot.parent.parent / "refs").mkdir()
    (snapshot.parent.parent / "refs" / "main").write_text(commit)
    local = everything(open_checkpoint(source))
    remote = open_checkpoint("org/name")
    assert everything(remote) == local
    assert remote.vocabulary() == open_checkpoint(source).vocabulary()
    assert hub.storage is not None
    assert {asked.path.rpartition("/")[2] for asked in hub.storage.asked} == {"tokenizer.json"}
    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path / "empty"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.reset()
    offline = open_checkpoint("org/name")
    assert (everything(offline), offline.revision, hub.asked) == (local, commit, [])
    assert offline.files() == open_checkpoint(source).files()
    found = find_on_hub(Location("org/name"))
    assert found is not None
    assert isinstance(found[0].file("model.safetensors"), LocalFile)


@pytest.mark.parametrize(
    "listing",
    [
        b"no json",
        b"[]",
        b'{"sha": 5, "siblings": []}',
        b'{"sha": "main", "siblings": []}',
        b'{"sha": "%s", "siblings": 5}' % (b"a" * 40),
        b'{"sha": "%s", "siblings": [5]}' % (b"a" * 40),
        b'{"sha": "%s", "siblings": [{"rfilename": "x"}]}' % (b"a" * 40),
        b'{"sha": "%s", "siblings": [{"rfilename": "x", "size": -1}]}' % (b"a" * 40),
        b'{"sha": "%s", "siblings": [{"rfilename": "x", "size": 1e300}]}' % (b"a" * 40),
        b'{"sha": "%s", "siblings": [{"rfilename": "x", "size": 1, "lfs": {"sha256": "zz"}}]}' % (b"a" * 40),
        b'{"sha": "%s", "siblings": [{"rfilename": "x", "size": 1, "lfs": [1]}]}' % (b"a" * 40),
    ],
)
def test_a_hostile_listing_is_one_sentence(hub: Server, listing: bytes) -> None:
    """And nothing of it is kept."""

    def fault(_: Any, answer: Any) -> None:
        answer.body = listing

    hub.faults.append(("/api/models/", fault))
    with pytest.raises(CheckpointError, match="What the Hub says about"):
        open_checkpoint("org/name")
    assert open_checkpoint("org/name").revision == hub.branches["org/name", "main"]


def test_names_that_leave_the_repository_are_absent(hub: Server) -> None:
    """On any system."""
    bad = ("../x", "/x", "a/../x", "a//x", "..\\x", "C:x", "x\n", "./x")
    hub.commit("org/odd", dict.fromkeys((*bad, "good", "a/good"), b""))
    found = find_on_hub(Location("org/odd"))
    assert found is not None
    assert isinstance(found[0], HubFolder)
    assert set(found[0].repository.files) == {"good", "a/good"}
    for name in bad:
        with pytest.raises(CheckpointError, match="has no file"):
            found[0].file(name)


@pytest.mark.parametrize(
    ("package", "address", "extra"), [("huggingface_hub", "org/name", "hub"), ("httpx2", "https://host/x/", "remote")]
)
def test_a_missing_package_names_its_extra(
    package: str, address: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(CheckpointError, match=rf"verify-lineage\[{extra}\]"):
        open_checkpoint(address)


# Web servers and stores -----------------------------------------------------------------------------------------


@pytest.fixture
def toy_on_web(web: Server, tmp_path: Path) -> dict[Any, bytes]:
    """A sharded model on a web server; its tensors."""
    folder = write_checkpoint(tmp_path / "toy", toy(), shards=2)
    web.files |= {f"/toy/{path.name}": path.read_bytes() for path in folder.iterdir()}
    return everything(open_checkpoint(folder))


def test_a_folder_on_the_web_without_a_listing(web: Server, toy_on_web: dict[Any, bytes]) -> None:
    """Its usual files are tried, and those of its index."""
    remote = open_checkpoint(f"{web.url}/toy/")
    assert everything(remote) == toy_on_web
    assert (remote.name, remote.origin, remote.revision) == ("toy", f"{web.url}/toy/", None)


@pytest.mark.usefixtures("toy_on_web")
def test_a_folder_on_the_web_with_a_listing(web: Server) -> None:
    """Links that leave the folder are no files of it."""
    names = [path.rpartition("/")[2] for path in web.files if path.startswith("/toy/")]
    links = [*names, "../", "/etc/passwd", "https://elsewhere/model.safetensors", "sub/x", "?C=N", "%2e%2e/x", ".x"]
    web.files["/toy/"] = "".join(f'<a href="{link}">x</a>' for link in links).encode()

    def as_html(_: Any, answer: Any) -> None:
        answer.headers["Content-Type"] = "text/html; charset=utf-8"

    web.faults.append(("/toy/", as_html))
    place, _ = find_on_web(f"{web.url}/toy/")
    assert place.list_files() == sorted(names)
    assert len(web.of("vocab")) == 0


@pytest.mark.usefixtures("toy_on_web")
def test_one_file_on_the_web_and_its_signature(web: Server, own_cache: Path) -> None:
    """A query is sent and shown nowhere; it signs that file alone."""
    shard = next(path for path in web.files if "00001" in path)
    address = f"{web.url.replace('//', '//user:password@')}{shard}?{SIGNATURE}"
    place, name = find_on_web(address)
    assert (place.list_files(), name) == ([shard.rpartition("/")[2]], shard.rpartition("/")[2])
    web.reset()
    assert place.file(name or "").read([(0, 8)])[0].tobytes() == web.files[shard][:8]
    assert {asked.query for asked in web.asked} == {SIGNATURE}
    for text in (repr(place), place.origin, repr(place.file(name or "")), kept_text(own_cache).decode("latin1")):
        assert SIGNATURE not in text
        assert "password" not in text


def test_an_address_without_its_secrets() -> None:
    """User, password, query and fragment."""
    assert without_secrets("https://user:pw@host:80/a/b?key=1#x") == "https://host:80/a/b"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        server.start()
        host, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret-key-of-s3")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        import s3fs

        s3fs.S3FileSystem().mkdir("bucket")
        yield "s3://bucket"
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()


def test_a_folder_in_a_bucket(s3: str, tmp_path: Path, own_cache: Path) -> None:
    """The same tensors; a second time from the cache; a file alone; one that changed; one that is absent."""
    import s3fs

    store = s3fs.S3FileSystem(skip_instance_cache=True)  # somebody else
    folder = write_checkpoint(tmp_path / "toy", toy(), shards=2)
    for path in folder.iterdir():
        store.pipe_file(f"bucket/models/toy/{path.name}", path.read_bytes())
    local = everything(open_checkpoint(folder))
    remote = open_checkpoint(f"{s3}/models/toy")
    assert (everything(remote), remote.origin, remote.name) == (local, f"{s3}/models/toy", "toy")
    first = remote._source.place.meter.transferred  # type: ignore[attr-defined]
    again = open_checkpoint(f"{s3}/models/toy/")
    assert everything(again) == local
    assert first > 0
    assert again._source.place.meter.transferred == 0  # type: ignore[attr-defined]
    shard = next(path.name for path in folder.iterdir() if "00001" in path.name)
    file = open_checkpoint(f"{s3}/models/toy")._source.place.file(shard)
    content = (folder / shard).read_bytes()
    store.pipe_file(f"bucket/models/toy/{shard}", bytes(len(content)))
    Cache.default().clear()
    with pytest.raises(CheckpointError, match="changed while it was read"):
        file.read([(0, 8)])
    assert Cache.default().entries() == []
    with pytest.raises(CheckpointError, match="'absent' does not exist; check the address"):
        open_checkpoint(f"{s3}/models/absent")
    assert b"secret-key-of-s3" not in kept_text(own_cache)


# What is kept ---------------------------------------------------------------------------------------------------


def test_a_damaged_or_cleared_cache_costs_a_request_and_nothing_else(web: Server) -> None:
    """Truncated before it is opened, deleted while it is."""
    of_web(web).read([(0, 1000)])
    (entry,) = Cache.default().entries()
    (entry.path / "0-3e8").write_bytes(b"short")
    file = of_web(web)
    assert file.read([(0, 1000)])[0].tobytes() == DATA[:1000]
    Cache.default().clear()
    assert file.read([(10, 900)])[0].tobytes() == DATA[10:900]
    assert file.read([(10, 900)])[0].tobytes() == DATA[10:900]


def test_a_cache_that_cannot_be_written_is_a_warning(
    web: Server, own_cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The work goes on."""
    own_cache.write_text("a file where the folder should be")
    assert of_web(web).read([(0, 1000)])[0].tobytes() == DATA[:1000]
    assert "The cache cannot be written" in caplog.text


def test_many_writers_and_readers_of_one_key(tmp_path: Path) -> None:
    """Whole or absent, whoever else writes."""
    cache, content = Cache(tmp_path), [bytes([n]) * 50_000 for n in range(8)]

    def write(number: int) -> bytes | None:
        cache.put("kind", "key", content[number % 8])
        return cache.get("kind", "key")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(200))) <= set(content)
    assert len(list(tmp_path.rglob("*"))) == 2  # no part is left


@settings(max_examples=30)
@given(st.text(max_size=40), st.text(max_size=40))
def test_keys_are_any_text_and_names_hold_everywhere(a: str, b: str) -> None:
    """Case, colons, slashes and surrogates are no matter."""
    cache = Cache(Path("x"))
    assert cache.path("kind", a).name.isalnum()
    assert (cache.path("kind", a) == cache.path("kind", b)) == (a == b)


def test_where_caches_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the system has it, unless VERIFY_CACHE says otherwise."""
    monkeypatch.delenv("VERIFY_CACHE")
    for name in ("HOME", "USERPROFILE", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for platform, folder in (
        ("linux", ".cache/verify"),
        ("darwin", "Library/Caches/verify"),
        ("win32", "verify/Cache"),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        assert Cache.default().folder == tmp_path / folder
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Cache.default().folder == tmp_path / "xdg" / "verify"
    monkeypatch.setattr(Path, "home", _homeless)
    monkeypatch.delenv("XDG_CACHE_HOME")
    with pytest.raises(InputError, match="set VERIFY_CACHE to a folder"):
        Cache.default()


def _homeless() -> Path:
    raise RuntimeError


def test_a_file_that_is_being_read_on_windows_is_replaced_a_little_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its readers make os.replace fail for a moment."""
    refusals, real = iter([True, True, False]), os.replace

    def replace(source: Path, target: Path) -> None:
        if next(refusals):
            raise PermissionError
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    write_atomically(tmp_path / "x", b"new")
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["x"]


def test_the_command_shows_and_clears(
    web: Server, own_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where, what, how much; and only the old, if so asked."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["verify", "cache", *arguments])
        main()
        return capsys.readouterr().out

    assert run("path") == f"{own_cache}\n"
    assert run() == f"{own_cache}\nempty\n"
    of_web(web).read([(0, 2500)])
    Cache.default().put("fingerprints", "x", b"12345")
    shown = run()
    assert "fingerprints: 1, 5 bytes" in shown
    assert f"  {web.url}/folder/data.bin: 2.5 kB of 1.5 MB" in shown
    old = time.time() - 3 * 86_400
    os.utime(Cache.default().path("fingerprints", "x"), (old, old))
    assert run("clear", "--older-than", "2") == "Deleted 1, 5 bytes.\n"
    assert run("clear").startswith("Deleted 1, ")
    assert Cache.default().entries() == []


# The card -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("card", "declared"),
    [
        ("---\nbase_model: org/base\n---\n", (("org/base",), None)),
        ("---\nbase_model: 'org/base' # ours\nbase_model_relation: quantized\n---", (("org/base",), "quantized")),
        ("---\ntags:\n- x\nbase_model:\n- org/a\n- org/b\nlicense: mit\n---\n", (("org/a", "org/b"), None)),
        ('---\r\nbase_model:\r\n  - org/a\r\n  - "org/b"\r\n---\r\n', (("org/a", "org/b"), None)),
        ("---\nbase_model: [org/a, org/b]\nbase_model_relation: merge\n---\n", (("org/a", "org/b"), "merge")),
        ("---\nbase_model: [\n  org/a,\n  gpt2,\n]\n---\n", (("org/a", "gpt2"), None)),
        ("---\nbase_model:\n- org/a\n- org/a\n---\n", (("org/a",), None)),
        ("---\nmodel:\n  base_model: org/a\n---\n", ((), None)),
        ("---\nbase_model: null\n---\n", ((), None)),
        ("---\nbase_model:\n---\n", ((), None)),
        ("---\nbase_model: org/a\n", ((), None)),
        ("base_model: org/a\n", ((), None)),
        ("---\nlicense: mit\n---\nbase_model: org/a\n", ((), None)),
        ("---\nbase_model: !!python/object/apply:os.system [x]\n---\n", (("/object/apply:os.system", "x"), None)),
        ("", ((), None)),
    ],
)
def test_what_a_card_declares(card: str, declared: tuple[tuple[str, ...], str | None], tmp_path: Path) -> None:
    """In each of the forms that cards have; whatever is odd is a word or nothing, and nothing is run."""
    (tmp_path / "README.md").write_bytes(card.encode())
    found = declared_base(LocalFolder(tmp_path))
    assert found == declared or card.count("python/object")
    assert isinstance(found, Declaration)


@pytest.mark.parametrize("name", ["README.md", "tokenizer.json"])
@pytest.mark.parametrize("kind", ["dangling", "folder", "pipe"])
def test_an_optional_file_that_is_none_stops_no_model(name: str, kind: str, tmp_path: Path) -> None:
    """As a pruned cache of the Hub leaves links to nothing."""
    folder = write_checkpoint(tmp_path / "m", toy())
    path = folder / name
    if kind == "dangling":
        path.symlink_to(tmp_path / "gone")
    elif kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    checkpoint = open_checkpoint(folder)
    assert (checkpoint.declared_bases, checkpoint.vocabulary()) == ((), None)


ADDRESSES = (
    "https://[::1",
    "https://host:99999999/x",
    "https://host:x/y",
    f"https://{'a' * 300}.org/x",
    "http://[/x",
)


@pytest.mark.parametrize("address", [*ADDRESSES, "https://user:secret@[::1/x?sig=secret", "s3://[", "hf://[::1"])
def test_an_address_that_no_server_can_have_is_one_sentence(address: str) -> None:
    """Before anything is asked, and without its secrets."""
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(address)
    assert "secret" not in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("target", ["http://[", "//host:99999999/x", f"https://{'a' * 300}/x"])
def test_a_redirection_to_no_address_is_one_sentence(target: str) -> None:
    """Whatever a server says in a Location."""
    answer = Reply(302, {"location": target}, b"")
    resource = Resource(lambda *_: answer, "https://host/x", {}, "x", _no_refusal)
    with pytest.raises(CheckpointError, match="redirects x to no address"):
        resource.whole(10)


def test_links_of_a_listing_to_no_address_are_passed_over() -> None:
    """The others are names."""
    assert joined("https://host/f/", "a.safetensors") == "https://host/f/a.safetensors"
    assert all(joined("https://host/f/", link) is None for link in ADDRESSES)


@given(st.text(max_size=40).map(lambda rest: f"https://{rest}"))
def test_no_address_escapes_its_parser(address: str) -> None:
    """Any text is an address, or one sentence; and can be shown."""
    assert isinstance(without_secrets(address), str)
    try:
        split(address)
    except CheckpointError as error:
        one_line(error)


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_a_hostile_card_declares_printable_words(text: bytes) -> None:
    """A bounded number of them."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "README.md").write_bytes(
            b"---\nbase_model: " + text + b"\n" + b"".join(b"- x/%d\n" % n for n in range(100)) + b"---\n"
        )
        found = declared_base(LocalFolder(Path(folder)))
    assert len(found.models) <= 64
    assert all(name.isprintable() and 0 < len(name) <= 200 for name in found.models)


def test_a_card_on_the_hub_and_none(hub: Server) -> None:
    """Read at the commit, like everything else."""
    hub.commit("org/card", {"README.md": b"---\nbase_model: org/base\n---\n"})
    for name, models in (("org/card", ("org/base",)), ("org/name", ())):
        found = find_on_hub(Location(name))
        assert found is not None
        assert isinstance(found[0], HubFolder)
        assert declared_base(found[0]).models == models


def test_a_revision_of_a_local_folder_is_refused(tmp_path: Path) -> None:
    """It would look as if that revision had been read."""
    (tmp_path / "here").mkdir()
    with pytest.raises(CheckpointError, match=r"'here' lies on this machine, and a revision is given; leave it out"):
        open_checkpoint(Location(str(tmp_path / "here"), revision="v1"))


# ---- fingerprints of what lies elsewhere


@pytest.mark.parametrize("effort", ["screen", "standard", "full"])
def test_a_fingerprint_is_the_same_from_the_hub(
    hub: Server, own_cache: Path, monkeypatch: pytest.MonkeyPatch, effort: Effort
) -> None:
    """Whatever is fetched ahead. It is kept, the ranges are not, and no weights are asked for again."""
    monkeypatch.setattr(scan, "_BLOCK", 1000)  # many blocks a tensor
    here = fingerprint(model("reference"), effort=effort)
    there = fingerprint("org/name", effort=effort)
    assert there.record.content_sha256 == here.record.content_sha256
    assert all(there.arrays[name].tobytes() == array.tobytes() for name, array in here.arrays.items())
    assert (there.record.origin, there.record.revision) == ("hf://org/name", hub.branches["org/name", "main"])
    whole = fingerprint(model("reference")).record
    assert there.record.files == whole.files, "the Hub's sha256 is that of the file"
    assert [path.name for path in own_cache.iterdir()].count("fingerprints") == 1
    assert not any(kept_bytes(folder) > 100_000 for folder in (own_cache / "ranges").glob("*"))
    hub.reset()
    again = fingerprint("org/name", effort=effort)
    assert again.to_bytes() == there.to_bytes()
    assert not [asked for asked in hub.asked if asked.path.endswith(".safetensors")]


def test_the_default_effort_is_standard_from_afar_and_a_panel_reads_all(hub: Server) -> None:
    """As the manual says."""
    assert fingerprint("org/name").record.effort == "standard"
    report = test_lineage("org/name", model("fine-tuned"))
    assert (report.a.effort, report.b.effort, report.provenance.effort) == ("standard", "full", "standard")
    assert report.verdict == "dependent"
    assert hub.asked


def test_a_panel_is_built_from_the_hub(hub: Server, tmp_path: Path) -> None:
    """A recipe names a model that is not on this machine."""
    text = 'name = "p"\nversion = "1"\n[[member]]\nmodel = "org/name"\nfamily = "f"\nlicence = "none"\n'
    (tmp_path / "recipe.toml").write_text(text)
    panel = build_panel(Recipe.read(tmp_path / "recipe.toml"), tmp_path / "panel", base=tmp_path)
    assert [member.name for member in panel.record.members] == ["name"]
    assert hub.asked
