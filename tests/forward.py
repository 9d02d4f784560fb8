"""The forward pass of a Llama, in float64 and in numpy alone."""

from __future__ import annotations

import numpy as np

from benchmarks.zoo.config import Config
from tests.checkpoints import Array


def logits(w: dict[str, Array], c: Config, tokens: Array) -> Array:
    """Next-token logits, [context, vocab], of tokens [context]."""
    w = {name: x.astype(np.float64) for name, x in w.items()}
    x = w["model.embed_tokens.weight"][tokens]
    for i in range(c.layers):
        at = f"model.layers.{i}."
        h = _rms(x, w[at + "input_layernorm.weight"])
        q, k, v = (
            (h @ w[at + f"self_attn.{role}_proj.weight"].T).reshape(len(x), -1, c.head_size).transpose(1, 0, 2)
            for role in "qkv"
        )
        k, v = (np.repeat(rows, c.heads // c.kv_heads, axis=0) for rows in (_turned(k), v))
        scores = _turned(q) @ k.transpose(0, 2, 1) / np.sqrt(c.head_size)
        scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
        weight = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (weight / weight.sum(-1, keepdims=True)) @ v
        x = x + mixed.transpose(1, 0, 2).reshape(len(x), -1) @ w[at + "self_attn.o_proj.weight"].T
        h = _rms(x, w[at + "post_attention_layernorm.weight"])
        gate, up = (h @ w[at + f"mlp.{role}_proj.weight"].T for role in ("gate", "up"))
        x = x + (gate / (1 + np.exp(-gate)) * up) @ w[at + "mlp.down_proj.weight"].T
    return _rms(x, w["model.norm.weight"]) @ w["lm_head.weight"].T


def _rms(x: Array, gain: Array) -> Array:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * gain


def _turned(x: Array) -> Array:
    """Channel c turned with c plus half of them, by position times frequency."""
    length, size = x.shape[-2:]
    angle = np.outer(np.arange(length), 10000.0 ** (-np.arange(0, size, 2) / size))
    left, right = np.split(x, 2, -1)
    return np.concatenate(
        (left * np.cos(angle) - right * np.sin(angle), left * np.sin(angle) + right * np.cos(angle)), -1
    )
