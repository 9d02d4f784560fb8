"""Where a checkpoint may lie: a web server, a Hub, a cache of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checkpoints import toy, write_checkpoint
from tests.server import Server, running
from verify import CheckpointError, open_checkpoint
from verify.checkpoint import Checkpoint
from verify.checkpoint.places import client, retry
from verify.checkpoint.places.http import Reply
from verify.checkpoint.places.ranges import RemoteFile
from verify.checkpoint.places.web import find_on_web
from verify.data import model

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


def no_refusal(what: str, reply: Reply) -> CheckpointError:
    return CheckpointError(f"{what} {reply.status}")


@pytest.fixture
def toy_on_web(web: Server, tmp_path: Path) -> dict[Any, bytes]:
    """A sharded model on a web server; its tensors."""
    folder = write_checkpoint(tmp_path / "toy", toy(), shards=2)
    web.files |= {f"/toy/{path.name}": path.read_bytes() for path in folder.iterdir()}
    return everything(open_checkpoint(folder))
