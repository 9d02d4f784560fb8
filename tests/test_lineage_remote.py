"""Two models of the Hub, from addresses to a report that replays: little is read, and nothing twice."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.checkpoints import DTYPES
from tests.server import Server, running
from verify.checkpoint.places import client
from verify.cli import main

pytest.importorskip("huggingface_hub")

COMMITS = dict[str, str]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, COMMITS]]:
    """A Hub with two wide relatives, and the commit of each."""
    import huggingface_hub.utils
    from huggingface_hub import constants

    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with running() as server, running() as storage:
        server.storage, storage.hub = storage, server
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        monkeypatch.setenv("HF_ENDPOINT", server.url)  # for workers
        yield server, {name: server.commit(f"org/{name}", files) for name, files in relatives().items()}
    client.close()
    getattr(huggingface_hub.utils, "close_session", getattr(huggingface_hub.utils, "reset_sessions", None))()


def relatives() -> dict[str, dict[str, bytes]]:
    """Files of a parent of 15 MB and of a noisy copy."""
    from safetensors.numpy import save

    width, hidden, layers, generator = 256, 2048, 4, np.random.default_rng(0)
    shapes = {"model.embed_tokens.weight": (300, width), "model.norm.weight": (width,)}
    for i in range(layers):
        at = f"model.layers.{i}."
        shapes |= {f"{at}self_attn.{role}_proj.weight": (width, width) for role in "qkvo"}
        shapes |= {f"{at}mlp.{role}_proj.weight": (hidden, width) for role in ("gate", "up")}
        shapes |= {f"{at}mlp.down_proj.weight": (width, hidden)}
        shapes |= {f"{at}{name}_layernorm.weight": (width,) for name in ("input", "post_attention")}
    parent = {name: generator.standard_normal(shape) for name, shape in shapes.items()}
    child = {name: value + 0.3 * generator.standard_normal(value.shape) for name, value in parent.items()}
    config = {
        "model_type": "llama",
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "intermediate_size": hidden,
        "tie_word_embeddings": True,
    }
    return {
        name: {
            "config.json": json.dumps(config).encode(),
            "model.safetensors": save({key: value.astype(DTYPES["F16"]) for key, value in weights.items()}),
        }
        for name, weights in (("parent", parent), ("child", child))
    }


def verify(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["verify", *map(str, arguments)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_from_addresses_to_a_report_that_replays(
    hub: tuple[Server, COMMITS], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes read a part; the report names both commits; the second run and the replay ask for no weights."""
    server, commits = hub
    assert server.storage is not None
    pair = "hf://org/child", "org/parent"
    assert verify(monkeypatch, "lineage", *pair, "-o", tmp_path / "first", "--workers", 2) == 0
    report = json.loads((tmp_path / "first" / "report.json").read_bytes())
    assert (report["verdict"], report["provenance"]["effort"]) == ("dependent", "standard")
    for side, name in (("a", "child"), ("b", "parent")):
        assert (report[side]["origin"], report[side]["revision"]) == (f"hf://org/{name}", commits[name])
        assert f"hf://org/{name}@{commits[name]}" in (tmp_path / "first" / "report.md").read_text("utf-8")
    files = [server.repositories[f"org/{name}"][commit] for name, commit in commits.items()]
    stored = sum(len(file["model.safetensors"]) for file in files)
    assert report["a"]["bytes_read"] + report["b"]["bytes_read"] < 0.4 * stored
    assert server.sent + server.storage.sent < 0.8 * stored

    server.reset()
    server.storage.reset()
    created = ("--created", report["created"])
    assert verify(monkeypatch, "lineage", *pair, "-o", tmp_path / "second", *created) == 0
    assert (tmp_path / "second" / "report.json").read_bytes() == (tmp_path / "first" / "report.json").read_bytes()
    assert verify(monkeypatch, "replay", tmp_path / "first" / "report.json", "--a", pair[0], "--b", pair[1]) == 0
    assert not server.of("model.safetensors")
    assert not server.storage.asked


def test_a_layout_is_named_or_given_as_a_file_and_replayed(
    hub: tuple[Server, COMMITS], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept of a model of the Hub is kept for the layout it was read by."""
    pair = "hf://org/child", "hf://org/parent"
    layouts = "--layout-a", "llama", "--layout-b", "llama"
    commits = "--revision-a", hub[1]["child"], "--revision-b", hub[1]["parent"]
    assert verify(monkeypatch, "lineage", *pair, *commits, "-o", tmp_path) == 0
    assert verify(monkeypatch, "lineage", *pair, *layouts, "-o", tmp_path) == 0
    report = json.loads((tmp_path / "report.json").read_bytes())
    assert report["a"]["architecture"]["family"] == "layout:llama"
    models = "--a", pair[0], "--b", pair[1]
    assert verify(monkeypatch, "replay", tmp_path / "report.json", *models, *layouts, *commits) == 0
