"""Files that hold several models: a language model with towers, encoders and parts that nothing understands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests import models
from tests.checkpoints import Array, Toy, write_checkpoint
from verify.claim import ClaimReport

SHAPE = models.config(layers=2, width=32, hidden=48)
CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 128,
    "tie_word_embeddings": False,
}
VISION = {
    "model_type": "clip_vision_model",
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}
WRAPPED = {"model_type": "llava", "text_config": CONFIG, "vision_config": VISION}


def matrix(rng: np.random.Generator, *shape: int) -> Array:
    return (0.05 * rng.standard_normal(shape)).astype(np.float32)


def language(seed: int, prefix: str = "language_model.", **changes: Any) -> dict[str, Array]:
    shape = replace(SHAPE, **changes) if changes else SHAPE
    return {prefix + name: value for name, value in models.weights(seed, shape).items()}


def tower(
    seed: int, prefix: str = "vision_tower.vision_model.", width: int = 16, hidden: int = 24, layers: int = 2
) -> dict[str, Array]:
    """An image tower, or a text encoder, under CLIP's names."""
    rng = np.random.default_rng([seed, 1])
    out: dict[str, Array] = {}
    for i in range(layers):
        at = f"{prefix}encoder.layers.{i}."
        sides = {f"self_attn.{r}_proj": (width, width) for r in ("q", "k", "v", "out")}
        for name, (rows, columns) in (sides | {"mlp.fc1": (hidden, width), "mlp.fc2": (width, hidden)}).items():
            out[f"{at}{name}.weight"], out[f"{at}{name}.bias"] = matrix(rng, rows, columns), matrix(rng, rows)
        for name in ("layer_norm1", "layer_norm2"):
            out[f"{at}{name}.weight"], out[f"{at}{name}.bias"] = 1 + matrix(rng, width), matrix(rng, width)
    return out


def unknown(seed: int, prefix: str = "model.diffusion_model.", blocks: int = 6, width: int = 48) -> dict[str, Array]:
    """What no table understands."""
    rng = np.random.default_rng([seed, 3])
    names = ("attn1.to_q.weight", "attn1.to_out.0.weight", "conv.weight")
    return {f"{prefix}blocks.{i}.1.{name}": matrix(rng, width, width) for i in range(blocks) for name in names}


def write(folder: Path, *parts: dict[str, Array], config: dict[str, Any] | None = None, tokens: bool = True) -> Path:
    tensors: dict[str, Array] = {}
    for part in parts:
        assert not tensors.keys() & part.keys()
        tensors |= part
    files = {"vocab.json": json.dumps(models.VOCABULARY)} if tokens else {}
    return write_checkpoint(folder, Toy(tensors, config or {}, {}), files=files)


def by_names(report: ClaimReport) -> dict[tuple[str, str], str]:
    return {(part.a, part.b): part.verdict for part in report.parts}
