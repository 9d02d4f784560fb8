"""LoRA adapters of a toy, as PEFT saves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from safetensors.numpy import save_file

from tests.checkpoints import Array, Toy, toy, write_checkpoint
from verify import CheckpointError
from verify.checkpoint import Location, open_checkpoint
from verify.checkpoint.formats.tensor import Indexer

Q, DOWN = "model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"
PLAIN: dict[str, Any] = {
    "peft_type": "LORA",
    "base_model_name_or_path": "org/base",
    "r": 2,
    "lora_alpha": 6,
    "init_lora_weights": True,
}


def draw(*shape: int, seed: int = 0) -> Array:
    """Gaussian numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def change(module: str, rows: int, columns: int, rank: int = 2, seed: int = 0) -> dict[str, Array]:
    """A and B of a module."""
    return {
        f"{module}.lora_A.weight": draw(rank, columns, seed=seed + 1),
        f"{module}.lora_B.weight": draw(rows, rank, seed=seed + 2),
    }


def adapter(folder: Path, tensors: dict[str, Array], shared: dict[str, Array] | None = None, **changes: Any) -> Path:
    """Write an adapter, with tensors that modules share under their own names; settings of None are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = {f"base_model.model.{name}": x for name, x in tensors.items()} | (shared or {})
    save_file(stored, folder / "adapter_model.safetensors")
    settings_ = {key: value for key, value in (PLAIN | changes).items() if value is not None}
    (folder / "adapter_config.json").write_text(json.dumps(settings_))
    return folder


def merged(tmp_path: Path, model: Toy, tensors: dict[str, Array], **changes: Any) -> Any:
    """The checkpoint that a toy and an adapter make together."""
    base = write_checkpoint(tmp_path / "base", model)
    return open_checkpoint(Location(str(adapter(tmp_path / "lora", tensors, **changes)), base=str(base)))


def refused(tmp_path: Path, tensors: dict[str, Array], **changes: Any) -> str:
    """Why an adapter of a toy Llama is refused."""
    with pytest.raises(CheckpointError) as caught:
        merged(tmp_path, toy(), tensors, **changes)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 800
    assert str(tmp_path) not in message
    return message


def chosen(data: st.DataObject, size: int) -> Indexer:
    """None, a slice or ascending indices."""
    indices = st.lists(st.integers(0, size - 1), unique=True).map(lambda x: np.array(sorted(x), np.intp))
    slices = st.tuples(st.integers(0, size), st.integers(0, size)).map(lambda x: slice(min(x), max(x)))
    return data.draw(st.none() | slices | indices)
