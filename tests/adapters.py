"""LoRA adapters of a toy, as PEFT saves them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from tests.checkpoints import Array, Toy, write_checkpoint
from verify.checkpoint import Location, open_checkpoint

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


def adapter(folder: Path, tensors: dict[str, Array], **changes: Any) -> Path:
    """Write an adapter; settings of None are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({f"base_model.model.{name}": x for name, x in tensors.items()}, folder / "adapter_model.safetensors")
    settings_ = {key: value for key, value in (PLAIN | changes).items() if value is not None}
    (folder / "adapter_config.json").write_text(json.dumps(settings_))
    return folder


def merged(tmp_path: Path, model: Toy, tensors: dict[str, Array], **changes: Any) -> Any:
    """The checkpoint that a toy and an adapter make together."""
    base = write_checkpoint(tmp_path / "base", model)
    return open_checkpoint(Location(str(adapter(tmp_path / "lora", tensors, **changes)), base=str(base)))
