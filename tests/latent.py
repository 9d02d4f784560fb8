"""Multi-head latent attention in plain numpy: weights under DeepSeek's names, its forward pass, and its symmetries.

Written from the published description, not from the library: rows of ``kv_a`` are the latent vector, then the one
rotary key; rows of ``kv_b`` are, for each head, keys that positions leave alone, then values; rows of q are, for each
head, the same channels, then those that positions turn, in pairs of neighbours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.checkpoints import Array, Toy, write_checkpoint
from tests.models import VOCABULARY


@dataclass(frozen=True)
class Shape:
    """Sizes of a toy; ``latent_query`` is 0 where q reads the stream itself."""

    layers: int = 2
    width: int = 24
    heads: int = 4
    plain: int = 6
    rotary: int = 4
    value: int = 8
    latent: int = 10
    latent_query: int = 12
    hidden: int = 16
    vocab: int = 128

    def config(self) -> dict[str, Any]:
        """What ``config.json`` says of it."""
        return {
            "model_type": "deepseek_v3",
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "intermediate_size": self.hidden,
            "vocab_size": self.vocab,
            "qk_nope_head_dim": self.plain,
            "qk_rope_head_dim": self.rotary,
            "v_head_dim": self.value,
            "kv_lora_rank": self.latent,
            "q_lora_rank": self.latent_query or None,
            "tie_word_embeddings": False,
        }


def weights(seed: int, s: Shape) -> dict[str, Array]:
    """Gaussian weights; norm gains between 0.5 and 1.5, of any sign behind latent vectors."""
    rng = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (s.vocab, s.width),
        "lm_head.weight": (s.vocab, s.width),
        "model.norm.weight": (s.width,),
    }
    queries = s.heads * (s.plain + s.rotary)
    for i in range(s.layers):
        at = f"model.layers.{i}."
        attention = {
            "kv_a_proj_with_mqa": (s.latent + s.rotary, s.width),
            "kv_a_layernorm": (s.latent,),
            "kv_b_proj": (s.heads * (s.plain + s.value), s.latent),
            "o_proj": (s.width, s.heads * s.value),
        }
        if s.latent_query:
            attention |= {"q_a_proj": (s.latent_query, s.width), "q_a_layernorm": (s.latent_query,)}
            attention["q_b_proj"] = (queries, s.latent_query)
        else:
            attention["q_proj"] = (queries, s.width)
        shapes |= {f"{at}self_attn.{name}.weight": shape for name, shape in attention.items()}
        shapes |= {f"{at}mlp.{role}_proj.weight": (s.hidden, s.width) for role in ("gate", "up")}
        shapes[f"{at}mlp.down_proj.weight"] = (s.width, s.hidden)
        shapes |= {f"{at}{norm}_layernorm.weight": (s.width,) for norm in ("input", "post_attention")}
    drawn = {}
    for name, shape in shapes.items():
        x = rng.standard_normal(shape) / np.sqrt(shape[-1]) if len(shape) > 1 else rng.uniform(0.5, 1.5, shape)
        if "_a_layernorm" in name:
            x = x * rng.choice([-1, 1], shape)
        drawn[name] = x.astype(np.float32)
    return drawn


def write(folder: Path, w: dict[str, Array], s: Shape) -> Path:
    """Write a model with its tokenizer; return the folder."""
    return write_checkpoint(folder, Toy(w, s.config(), {}), files={"vocab.json": json.dumps(VOCABULARY)})


def rms(x: Array, gain: Array) -> Array:
    """RMS norm."""
    return x / np.sqrt(np.square(x).mean(-1, keepdims=True) + 1e-6) * gain


def turned(x: Array, pairs: str = "interleaved") -> Array:
    """Channels [..., length, rotary] turned by position."""
    length, size = x.shape[-2:]
    angle = np.outer(np.arange(length), 10000.0 ** (-np.arange(0, size, 2) / size))
    where = np.arange(size).reshape(-1, 2) if pairs == "interleaved" else np.arange(size).reshape(2, -1).T
    left, right = x[..., where[:, 0]], x[..., where[:, 1]]
    out = np.empty_like(x)
    out[..., where[:, 0]] = left * np.cos(angle) - right * np.sin(angle)
    out[..., where[:, 1]] = right * np.cos(angle) + left * np.sin(angle)
    return out


def outputs(w: dict[str, Array], s: Shape, tokens: Array) -> Array:
    """Logits [length, vocab] of a sequence."""
    w = {name: x.astype(np.float64) for name, x in w.items()}
    x = w["model.embed_tokens.weight"][tokens]
    length = len(tokens)
    future = np.triu(np.full((length, length), -np.inf), 1)
    for i in range(s.layers):
        at = f"model.layers.{i}."

        def of(name: str, at: str = at) -> Array:
            return w[f"{at}{name}.weight"]

        h = rms(x, of("input_layernorm"))
        if s.latent_query:
            q = rms(h @ of("self_attn.q_a_proj").T, of("self_attn.q_a_layernorm")) @ of("self_attn.q_b_proj").T
        else:
            q = h @ of("self_attn.q_proj").T
        q = q.reshape(length, s.heads, -1).transpose(1, 0, 2)
        into = h @ of("self_attn.kv_a_proj_with_mqa").T
        made = rms(into[:, : s.latent], of("self_attn.kv_a_layernorm")) @ of("self_attn.kv_b_proj").T
        made = made.reshape(length, s.heads, -1).transpose(1, 0, 2)
        key = turned(into[:, s.latent :])
        logits = q[..., : s.plain] @ made[..., : s.plain].transpose(0, 2, 1)
        logits = (logits + turned(q[..., s.plain :]) @ key.T) / np.sqrt(s.plain + s.rotary) + future
        mixing = np.exp(logits - logits.max(-1, keepdims=True))
        mixed = (mixing / mixing.sum(-1, keepdims=True)) @ made[..., s.plain :]
        x = x + mixed.transpose(1, 0, 2).reshape(length, -1) @ of("self_attn.o_proj").T
        h = rms(x, of("post_attention_layernorm"))
        gate = h @ of("mlp.gate_proj").T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ of("mlp.up_proj").T)) @ of("mlp.down_proj").T
    return rms(x, w["model.norm.weight"]) @ w["lm_head.weight"].T


# ---- symmetries, each of every layer


def _names(i: int, *names: str) -> list[str]:
    return [f"model.layers.{i}.self_attn.{name}.weight" for name in names]


def values_moved(w: dict[str, Array], s: Shape, rng: np.random.Generator) -> dict[str, Array]:
    """Value channels of each head permuted and flipped: rows of kv_b, with columns of o."""
    new = dict(w)
    for i in range(s.layers):
        out_of, writer = _names(i, "kv_b_proj", "o_proj")
        rows, columns = w[out_of].copy(), w[writer].copy()
        for h in range(s.heads):
            own = np.arange(s.value)
            order, sign = rng.permutation(s.value), rng.choice(np.float32([-1, 1]), s.value)
            here, there = h * (s.plain + s.value) + s.plain + own, h * s.value + own
            rows[here] = rows[here][order] * sign[:, None]
            columns[:, there] = columns[:, there][:, order] * sign
        new |= {out_of: rows, writer: columns}
    return new


def latents_moved(w: dict[str, Array], s: Shape, rng: np.random.Generator) -> dict[str, Array]:
    """Channels of each latent vector permuted and flipped: rows, gains and columns; a sign may go to the gain."""
    new = dict(w)
    kinds = [("kv_a_proj_with_mqa", "kv_a_layernorm", "kv_b_proj", s.latent)]
    if s.latent_query:
        kinds.append(("q_a_proj", "q_a_layernorm", "q_b_proj", s.latent_query))
    for i in range(s.layers):
        for *names, size in kinds:
            into, norm, out_of = _names(i, *names)
            order, signs = rng.permutation(size), rng.choice(np.float32([-1, 1]), (2, size))
            rows = w[into].copy()
            rows[:size] = rows[:size][order] * signs[0][:, None]
            new |= {into: rows, norm: w[norm][order] * signs[1], out_of: w[out_of][:, order] * signs[0] * signs[1]}
    return new


def planes_turned(w: dict[str, Array], s: Shape, rng: np.random.Generator, only_queries: bool = False) -> dict:
    """Planes of the rotary key turned by quarters, with those of the queries of all heads."""
    new, size = dict(w), s.plain + s.rotary
    for i in range(s.layers):
        into, asking = _names(i, "kv_a_proj_with_mqa", "q_b_proj" if s.latent_query else "q_proj")
        keys, queries = w[into].copy(), w[asking].copy()
        for plane in range(s.rotary // 2):
            quarters = int(rng.integers(1, 4))
            pair = np.array([2 * plane, 2 * plane + 1])
            for x, starts in ((keys, [s.latent]), (queries, [h * size + s.plain for h in range(s.heads)])):
                for start in starts if not (only_queries and x is keys) else ():
                    for _ in range(quarters):
                        x[start + pair] = np.stack([-x[start + pair[1]], x[start + pair[0]]])
        new |= {into: keys, asking: queries}
    return new


def heads_moved(w: dict[str, Array], s: Shape, rng: np.random.Generator) -> dict[str, Array]:
    """Heads permuted: rows of kv_b and of q, columns of o."""
    new = dict(w)
    for i in range(s.layers):
        order = rng.permutation(s.heads)
        out_of, asking, writer = _names(i, "kv_b_proj", "q_b_proj" if s.latent_query else "q_proj", "o_proj")
        for name in (out_of, asking):
            new[name] = w[name].reshape(s.heads, -1, w[name].shape[1])[order].reshape(w[name].shape)
        new[writer] = w[writer].reshape(s.width, s.heads, -1)[:, order].reshape(w[writer].shape)
    return new


def rotated(w: dict[str, Array], s: Shape, rng: np.random.Generator) -> dict[str, Array]:
    """Gains of the stream folded into what reads it, and the stream rotated at random."""
    rotation = np.linalg.qr(rng.standard_normal((s.width, s.width)))[0]
    new = {}
    for name, value in w.items():
        x = value.astype(np.float64)
        if "embed_tokens" in name:
            x = x @ rotation
        elif name.startswith("lm_head"):
            x = (x * w["model.norm.weight"]) @ rotation
        elif "o_proj" in name or "down_proj" in name:
            x = rotation.T @ x
        elif "_a_layernorm" in name or "_b_proj" in name:
            pass
        elif x.ndim == 1:
            x = np.ones_like(x)
        else:
            norm = "input_layernorm" if "self_attn" in name else "post_attention_layernorm"
            x = (x * w[".".join(name.split(".")[:3]) + f".{norm}.weight"]) @ rotation
        new[name] = x.astype(np.float32)
    return new
