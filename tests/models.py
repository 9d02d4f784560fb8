"""Random Llamas of any shape, with a tokenizer: small enough for a test, large enough for a verdict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.zoo.config import Config
from tests.checkpoints import Array, Toy, write_checkpoint

VOCABULARY = {"\u2581": 32} | {chr(b): b for b in range(33, 127)}
"""``vocab.json`` of a byte vocabulary: printable ASCII, sentencepiece's space."""


def config(**changes: Any) -> Config:
    """A small shape, with changes."""
    fields = {"family": "llama", "layers": 2, "width": 24, "hidden": 40, "heads": 4, "kv_heads": 2, "vocab": 128}
    return Config(**(fields | changes))


def weights(seed: int, c: Config) -> dict[str, Array]:
    """Gaussian weights under Llama names; norm gains between 0.5 and 1.5."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (c.vocab, c.width)}
    shapes |= {"lm_head.weight": (c.vocab, c.width), "model.norm.weight": (c.width,)}
    heads, kv = c.heads * c.head_size, c.kv_heads * c.head_size
    for i in range(c.layers):
        at = f"model.layers.{i}."
        shapes |= {f"{at}self_attn.{r}_proj.weight": (n, c.width) for r, n in (("q", heads), ("k", kv), ("v", kv))}
        shapes |= {f"{at}self_attn.o_proj.weight": (c.width, heads), f"{at}mlp.down_proj.weight": (c.width, c.hidden)}
        shapes |= {f"{at}mlp.{role}_proj.weight": (c.hidden, c.width) for role in ("gate", "up")}
        shapes |= {f"{at}{norm}_layernorm.weight": (c.width,) for norm in ("input", "post_attention")}
    return {
        name: (rng.standard_normal(s) if len(s) > 1 else rng.uniform(0.5, 1.5, s)).astype(np.float32)
        for name, s in shapes.items()
    }


def mixture(seed: int, c: Config) -> dict[str, Array]:
    """Gaussian weights of a mixture of experts, under Qwen2-MoE's names (Pangu's, of that family)."""
    dense = weights(seed, c)
    rng = np.random.default_rng([seed, 1])
    tensors = {name: x for name, x in dense.items() if ".mlp." not in name}
    for i in range(c.layers):
        at = f"model.layers.{i}.mlp."
        shapes = {f"{at}gate.weight": (c.experts, c.width)}
        if c.family == "pangu_pro_moe":
            shapes[f"{at}router_scale"] = (1, c.experts)
        else:
            shapes[f"{at}shared_expert_gate.weight"] = (1, c.width)
        for place, hidden in (*((f"experts.{e}.", c.hidden) for e in range(c.experts)), ("shared_expert.", c.shared)):
            shapes |= {f"{at}{place}{role}_proj.weight": (hidden, c.width) for role in ("gate", "up")}
            shapes[f"{at}{place}down_proj.weight"] = (c.width, hidden)
        tensors |= {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return tensors


def write(
    folder: Path, tensors: dict[str, Array], c: Config, *, shards: int = 1, dtype: str = "F32", tokens: bool = True
) -> Path:
    """Write a model, with its tokenizer unless it shall have none; return the folder."""
    files = {"vocab.json": json.dumps(VOCABULARY)} if tokens else {}
    return write_checkpoint(folder, Toy(tensors, c.huggingface(), {}), dtype=dtype, shards=shards, files=files)


def child(parent: dict[str, Array], seed: int, noise: float = 0.3) -> dict[str, Array]:
    """The parent's matrices with noise of a share of their size."""
    rng = np.random.default_rng(seed)
    return {
        name: x if x.ndim == 1 else (x + noise * x.std() * rng.standard_normal(x.shape)).astype(np.float32)
        for name, x in parent.items()
    }
