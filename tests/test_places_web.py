"""Models on web servers and in stores, and addresses that no server can have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import places
from tests.checkpoints import toy, write_checkpoint
from tests.places import everything, kept_text, no_refusal
from tests.refusals import one_line
from tests.server import SIGNATURE, Server
from verify import CheckpointError, open_checkpoint
from verify.base import Cache
from verify.checkpoint.places.http import Reply, Resource, joined, split, without_secrets
from verify.checkpoint.places.web import find_on_web

own_cache, toy_on_web, web = places.own_cache, places.toy_on_web, places.web


# Web servers and stores -----------------------------------------------------------------------------------------


def test_a_folder_on_the_web_without_a_listing(web: Server, toy_on_web: dict[Any, bytes]) -> None:
    """Its usual files are tried, and those of its index."""
    remote = open_checkpoint(f"{web.url}/toy/")
    assert everything(remote) == toy_on_web
    assert (remote.name, remote.origin, remote.revision) == ("toy", f"{web.url}/toy/", None)


@pytest.mark.usefixtures("toy_on_web")
def test_a_folder_on_the_web_with_a_listing(web: Server) -> None:
    """Links that leave the folder are no files of it; hidden files are, as in a folder here."""
    names = [path.rpartition("/")[2] for path in web.files if path.startswith("/toy/")]
    names.append(".x")
    links = [
        *names,
        "../",
        "..",
        ".",
        "./",
        "/etc/passwd",
        "https://elsewhere/model.safetensors",
        "sub/x",
        "?C=N",
        "%2e%2e/x",
        "%2e%2e",
    ]
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


@pytest.mark.slow
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
    with pytest.raises(CheckpointError, match="models/absent' does not exist; check the address"):
        open_checkpoint(f"{s3}/models/absent")
    assert b"secret-key-of-s3" not in kept_text(own_cache)


# The card -------------------------------------------------------------------------------------------------------
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
    resource = Resource(lambda *_: answer, "https://host/x", {}, "x", no_refusal)
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
