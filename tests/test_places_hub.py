"""Models of the Hub: only what is asked for, no secret shown, no branch mixed."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import places
from tests.checkpoints import toy, write_checkpoint
from tests.places import TOKEN, everything, kept_text, of_web
from tests.server import SIGNATURE, Answer, Asked, Server, busy, dropped
from verify import CheckpointError, fingerprint, open_checkpoint
from verify.base import Cache
from verify.checkpoint import Location
from verify.checkpoint.places.hub import HubFolder, find_on_hub
from verify.checkpoint.places.place import LocalFile
from verify.checkpoint.places.web import find_on_web
from verify.data import model

hub, own_cache, web = places.hub, places.own_cache, places.web


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
        (Location("nosuchscheme://bucket/x"), "no address of a file system that fsspec has"),
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
