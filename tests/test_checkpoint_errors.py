"""Whoever goes through ten thousand models tells by the class of an error what to do about it."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import verify.checkpoint
from tests.checkpoints import raw_safetensors, toy, write_checkpoint
from tests.server import Server, busy, running
from tests.torch_files import Global, TorchFile
from verify.base import (
    AccessDeniedError,
    CheckpointError,
    DamagedError,
    HostileError,
    NetworkError,
    NotFoundError,
    OptionError,
    UnsupportedError,
    errors,
)
from verify.checkpoint import Location, open_checkpoint
from verify.checkpoint.places import client, retry

Given = str | Path | Location
GONE = "model.layers.0.self_attn.q_proj.weight"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of this test alone, none of the user's tokens, and no waiting."""
    import huggingface_hub.utils
    from huggingface_hub import constants

    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(retry, "_FIRST_WAIT", 0.001)
    yield
    client.close()
    getattr(huggingface_hub.utils, "close_session", getattr(huggingface_hub.utils, "reset_sessions", None))()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A web server, and Hub, with one model."""
    from huggingface_hub import constants

    folder = write_checkpoint(tmp_path / "served", toy())
    with running() as server:
        server.files |= {f"/m/{path.name}": path.read_bytes() for path in folder.iterdir()}
        server.commit("org/name", {path.name: path.read_bytes() for path in folder.iterdir()})
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        yield server


def on_disk(name: str, content: bytes, folder: Path) -> Path:
    """A sound model, one file of which has this content."""
    write_checkpoint(folder, toy())
    (folder / name).write_bytes(content)
    return folder


def unknown(folder: Path) -> Path:
    """Tensors of no architecture."""
    rng = np.random.default_rng(0)
    tensors = {f"x{n}": rng.standard_normal((4, 5)).astype(np.float32) for n in range(3)}
    return write_checkpoint(folder, toy().configured(model_type="new")).parent / write_tensors(folder, tensors)


def write_tensors(folder: Path, tensors: dict[str, np.ndarray]) -> Path:
    """Replace the weights of a folder."""
    from safetensors.numpy import save_file

    save_file(tensors, folder / "model.safetensors")
    return folder


def two_inside(folder: Path) -> Path:
    """A folder that holds two models."""
    for name in ("a", "b"):
        write_checkpoint(folder / name, toy())
    return folder


def empty(folder: Path) -> Path:
    """A folder of nothing."""
    folder.mkdir()
    return folder


def unreadable(folder: Path) -> Path:
    """A model whose weights the user may not read."""
    path = write_checkpoint(folder, toy()) / "model.safetensors"
    path.chmod(0)
    return folder


def refused(server: Server, folder: Path) -> Given:  # noqa: ARG001
    """A file that the server does not give."""
    server.faults += [("model.safetensors", busy(403))] * 99
    return f"{server.url}/m/model.safetensors"


def always_busy(server: Server, folder: Path) -> Given:  # noqa: ARG001
    """A server that stays busy."""
    server.faults += [("model.safetensors", busy(503))] * 99
    return f"{server.url}/m/model.safetensors"


def gated(server: Server, folder: Path) -> Given:  # noqa: ARG001
    """A repository that asks for a token."""
    server.secret = "hf_secret"
    return "org/name"


def nobody(server: Server, folder: Path) -> Given:  # noqa: ARG001
    """A port that nobody listens at."""
    with running() as other:
        pass
    return f"{other.url}/m/model.safetensors"


DEEP = b'{"x": ' * 80 + b"1" + b"}" * 80
UNLIKE = {"weight_map": {GONE: "../model.safetensors"}}
INPUTS: dict[type[CheckpointError], dict[str, Callable[[Server, Path], Given]]] = {
    NotFoundError: {
        "no such path": lambda _, folder: folder / "absent",
        "no weights": lambda _, folder: empty(folder),
        "no repository": lambda *_: "org/absent",
        "no revision": lambda *_: "org/name@absent",
        "no web page": lambda server, _: f"{server.url}/m/absent.safetensors",
        "no tokenizer": lambda _, folder: Location(
            str(write_checkpoint(folder, toy())), tokenizer=str(write_checkpoint(folder / "other", toy()))
        ),
    },
    AccessDeniedError: {"gated": gated, "status 403": refused}
    | ({} if os.geteuid() == 0 else {"no permission": lambda _, folder: unreadable(folder)}),
    NetworkError: {"busy": always_busy, "nobody there": nobody},
    OptionError: {
        "no such part": lambda _, folder: Location(str(write_checkpoint(folder, toy())), part="x"),
        "a base of a whole model": lambda _, folder: Location(str(write_checkpoint(folder, toy())), base="org/name"),
        "a revision of a folder": lambda _, folder: Location(str(write_checkpoint(folder, toy())), revision="main"),
        "two models inside": lambda _, folder: two_inside(folder),
        "a layout that is none": lambda _, folder: Location(str(write_checkpoint(folder, toy())), layout="absent"),
        "no address": lambda *_: "https://[::1",
    },
    UnsupportedError: {
        "no known architecture": lambda _, folder: unknown(folder),
        "a way of quantising": lambda _, folder: write_checkpoint(
            folder, toy().configured(quantization_config={"quant_method": "new"})
        ),
        "a pickle of before the zip archive": lambda _, folder: on_disk("m.bin", b"\x80\x02N.", folder) / "m.bin",
        "a file of another format": lambda _, folder: on_disk("x.npz", b"x", folder) / "x.npz",
        "a store that no package reads": lambda *_: "nosuchscheme://bucket/x",
    },
    DamagedError: {
        "truncated": lambda _, folder: on_disk("model.safetensors", raw_safetensors({}, b"", 10**6), folder),
        "empty": lambda _, folder: on_disk("model.safetensors", b"", folder),
        "no JSON": lambda _, folder: on_disk("config.json", b"{", folder),
        "a tensor missing": lambda _, folder: write_checkpoint(folder, toy().without(GONE)),
    },
    HostileError: {
        "a pickle": lambda _, folder: on_disk("model.pkl", b"x", folder) / "model.pkl",
        "a pickle that could run code": lambda _, folder: (
            on_disk("m.pt", TorchFile().content(Global("os", "system")), folder) / "m.pt"
        ),
        "a pickle by another name": lambda _, folder: on_disk("model.safetensors", b"\x80\x04abc", folder),
        "nested too deeply": lambda _, folder: on_disk("config.json", DEEP, folder),
        "outside its folder": lambda _, folder: (
            on_disk("x.safetensors.index.json", json.dumps(UNLIKE).encode(), folder) / "x.safetensors.index.json"
        ),
    },
}
CASES = [(kind, name) for kind, inputs in INPUTS.items() for name in inputs]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{kind.__name__}-{name}" for kind, name in CASES])
def test_each_error_is_of_its_class(kind: type[CheckpointError], name: str, server: Server, tmp_path: Path) -> None:
    """And of no other, so that one `except` says what to do."""
    given = INPUTS[kind][name](server, tmp_path / "model")
    with pytest.raises(CheckpointError) as caught:
        open_checkpoint(given)
    assert type(caught.value) is kind, str(caught.value)


def test_every_class_has_an_input_that_raises_it() -> None:
    """A class that nothing raises says nothing."""
    assert set(INPUTS) == set(CheckpointError.__subclasses__())
    assert all(INPUTS.values())


def test_a_network_error_is_worth_retrying(server: Server) -> None:
    """The same call succeeds once the server is well; after any other error it fails the same way."""
    address = always_busy(server, Path())
    with pytest.raises(NetworkError):
        open_checkpoint(address)
    server.faults.clear()
    assert open_checkpoint(address).architecture.layers == 2
    for _ in range(2):
        with pytest.raises(NotFoundError):
            open_checkpoint(f"{server.url}/m/absent.safetensors")


def test_a_file_that_changed_while_it_was_read_is_worth_retrying(server: Server) -> None:
    """It is another one now, and whole."""
    checkpoint = open_checkpoint(f"{server.url}/m/model.safetensors")
    server.files["/m/model.safetensors"] = bytes(len(server.files["/m/model.safetensors"]))
    with pytest.raises(NetworkError, match="changed while it was read"):
        checkpoint.read("q", 0)


def test_a_tensor_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    """Like a file."""
    with pytest.raises(NotFoundError, match="has no tensor for `gate`, layer 9"):
        open_checkpoint(write_checkpoint(tmp_path / "m", toy())).read("gate", 9)


def test_nothing_raises_the_common_class() -> None:
    """It is caught, and says nothing of what to do."""
    folder = Path(verify.checkpoint.__file__).parent
    raised = [
        f"{path.relative_to(folder)}:{node.lineno}"
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "CheckpointError"
    ]
    assert raised == []


def test_the_tree_is_drawn_as_it_is() -> None:
    """Every class is in the drawing, below its parent."""
    drawing = (errors.__doc__ or "").splitlines()
    for kind in CheckpointError.__subclasses__():
        (line,) = [line for line in drawing if kind.__name__ in line]
        assert line.startswith("│   ")
        assert kind.__doc__
