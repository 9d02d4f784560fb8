"""Models of layers of several kinds, at toy width, with random weights under published names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.checkpoints import Array, Toy

WIDTH, HEADS, KV_HEADS, SIZE, HIDDEN, VOCAB = 24, 4, 2, 6, 40, 128
CONFIG = {
    "hidden_size": WIDTH,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": SIZE,
    "vocab_size": VOCAB,
}
Shapes = dict[str, tuple[int, ...]]
Numbers = NDArray[np.float64]


def drawn(shapes: Shapes, seed: int) -> dict[str, Array]:
    """Gaussian matrices, each column of unit size in sum; vectors between 0.5 and 1.5."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.standard_normal(s) / s[-1] ** 0.5 if len(s) > 1 else rng.uniform(0.5, 1.5, s)).astype(np.float32)
        for name, s in shapes.items()
    }


def attention(at: str, size: int = SIZE, writer: str = "o_proj") -> Shapes:
    """Shapes of q, k, v and o with heads of some size."""
    kv = (KV_HEADS * size, WIDTH)
    return {
        f"{at}q_proj.weight": (HEADS * size, WIDTH),
        f"{at}k_proj.weight": kv,
        f"{at}v_proj.weight": kv,
        f"{at}{writer}.weight": (WIDTH, HEADS * size),
    }


def gated(at: str, names: tuple[str, str, str], hidden: int = HIDDEN) -> Shapes:
    """Shapes of gate, up and down."""
    gate, up, down = names
    return {f"{at}{gate}.weight": (hidden, WIDTH), f"{at}{up}.weight": (hidden, WIDTH),
            f"{at}{down}.weight": (WIDTH, hidden)}  # fmt: skip


def lfm2(seed: int = 0, kinds: str = "cac") -> Toy:
    """LFM2: convolutions (c) and attention (a); MLPs in all layers."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCAB, WIDTH)}
    shapes["model.embedding_norm.weight"] = (WIDTH,)
    for i, kind in enumerate(kinds):
        at = f"model.layers.{i}."
        shapes |= {at + "operator_norm.weight": (WIDTH,), at + "ffn_norm.weight": (WIDTH,)}
        shapes |= gated(at + "feed_forward.", ("w1", "w3", "w2"))
        if kind == "a":
            shapes |= attention(at + "self_attn.", writer="out_proj")
            shapes |= {f"{at}self_attn.{role}_layernorm.weight": (SIZE,) for role in "qk"}
        else:
            shapes |= {at + "conv.conv.weight": (WIDTH, 1, 3), at + "conv.in_proj.weight": (3 * WIDTH, WIDTH)}
            shapes[at + "conv.out_proj.weight"] = (WIDTH, WIDTH)
    return Toy(drawn(shapes, seed), CONFIG | {"model_type": "lfm2", "num_hidden_layers": len(kinds)}, {})


def gemma4(seed: int = 0) -> Toy:
    """Gemma 4: the last of three layers has heads of twice the size."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCAB, WIDTH), "model.norm.weight": (WIDTH,)}
    norms = ("input", "post_attention", "pre_feedforward", "post_feedforward")
    for i, size in enumerate((SIZE, SIZE, 2 * SIZE)):
        at = f"model.layers.{i}."
        shapes |= {f"{at}{norm}_layernorm.weight": (WIDTH,) for norm in norms}
        shapes |= attention(at + "self_attn.", size) | gated(at + "mlp.", ("gate_proj", "up_proj", "down_proj"))
        shapes |= {f"{at}self_attn.{role}_norm.weight": (size,) for role in "qk"}
    return Toy(drawn(shapes, seed), CONFIG | {"model_type": "gemma4_text", "num_hidden_layers": 3}, {})


def nemotron_h(seed: int = 0) -> Toy:
    """Nemotron-H: a state space, an MLP, attention and an MLP, each in a layer of its own."""
    shapes: dict[str, tuple[int, ...]] = {"backbone.embeddings.weight": (VOCAB, WIDTH)}
    shapes |= {"backbone.norm_f.weight": (WIDTH,), "lm_head.weight": (VOCAB, WIDTH)}
    for i, kind in enumerate("smam"):
        at = f"backbone.layers.{i}.mixer."
        shapes[f"backbone.layers.{i}.norm.weight"] = (WIDTH,)
        if kind == "s":
            shapes |= {at + "A_log": (4,), at + "D": (4,), at + "in_proj.weight": (60, WIDTH)}
            shapes |= {at + "conv1d.weight": (40, 1, 4), at + "out_proj.weight": (WIDTH, 24)}
        elif kind == "m":
            shapes |= {at + "up_proj.weight": (HIDDEN, WIDTH), at + "down_proj.weight": (WIDTH, HIDDEN)}
        else:
            shapes |= attention(at)
    return Toy(drawn(shapes, seed), CONFIG | {"model_type": "nemotron_h"}, {})


def mamba(seed: int = 0, inner: int = HIDDEN, state: int = 4, rank: int = 3) -> Toy:
    """Mamba 1: neither attention nor MLPs."""
    shapes: dict[str, tuple[int, ...]] = {"backbone.embeddings.weight": (VOCAB, WIDTH)}
    shapes["backbone.norm_f.weight"] = (WIDTH,)
    for i in range(2):
        at = f"backbone.layers.{i}.mixer."
        shapes |= {f"backbone.layers.{i}.norm.weight": (WIDTH,), at + "in_proj.weight": (2 * inner, WIDTH)}
        shapes |= {at + "conv1d.weight": (inner, 1, 4), at + "conv1d.bias": (inner,), at + "A_log": (inner, state)}
        shapes |= {at + "D": (inner,), at + "x_proj.weight": (rank + 2 * state, inner)}
        shapes |= {at + "dt_proj.weight": (inner, rank), at + "dt_proj.bias": (inner,)}
        shapes[at + "out_proj.weight"] = (WIDTH, inner)
    return Toy(drawn(shapes, seed), {"model_type": "mamba", "hidden_size": WIDTH, "vocab_size": VOCAB}, {})


def mamba_outputs(tensors: Mapping[str, Array], tokens: NDArray[Any]) -> Numbers:
    """Logits of a Mamba 1, in float64 and in numpy alone, shape [context, vocab]."""
    w = {name: x.astype(np.float64) for name, x in tensors.items()}
    x = w["backbone.embeddings.weight"][tokens]
    for i in range(2):
        at = f"backbone.layers.{i}.mixer."
        inner, z = np.split(_rms(x, w[f"backbone.layers.{i}.norm.weight"]) @ w[at + "in_proj.weight"].T, 2, -1)
        past = np.concatenate([np.zeros((3, inner.shape[1])), inner])
        kernel = w[at + "conv1d.weight"][:, 0]
        mixed = np.sum([past[k : k + len(x)] * kernel[:, k] for k in range(4)], axis=0)
        inner = _silu(mixed + w[at + "conv1d.bias"])
        rank, state = w[at + "dt_proj.weight"].shape[1], w[at + "A_log"].shape[1]
        steps, b, c = np.split(inner @ w[at + "x_proj.weight"].T, [rank, rank + state], -1)
        dt = np.log1p(np.exp(steps @ w[at + "dt_proj.weight"].T + w[at + "dt_proj.bias"]))
        decay, held, out = -np.exp(w[at + "A_log"]), np.zeros_like(w[at + "A_log"]), []
        for t in range(len(x)):
            held = held * np.exp(dt[t][:, None] * decay) + (dt[t] * inner[t])[:, None] * b[t]
            out.append(held @ c[t] + w[at + "D"] * inner[t])
        x = x + (np.array(out) * _silu(z)) @ w[at + "out_proj.weight"].T
    logits: Numbers = _rms(x, w["backbone.norm_f.weight"]) @ w["backbone.embeddings.weight"].T
    return logits


STATES, GROUPS, CHANNELS, STATE = 4, 2, 6, 3
"""Heads of a toy of Mamba 2, groups of them, channels of each, and entries of the state of a channel."""


def mamba2(seed: int = 0) -> Toy:
    """Mamba 2: neither attention nor MLPs, and a norm before what writes to the stream."""
    inner, shared = STATES * CHANNELS, 2 * GROUPS * STATE
    shapes: dict[str, tuple[int, ...]] = {"backbone.embeddings.weight": (VOCAB, WIDTH)}
    shapes |= {"backbone.norm_f.weight": (WIDTH,), "lm_head.weight": (VOCAB, WIDTH)}
    for i in range(3):
        at = f"backbone.layers.{i}.mixer."
        shapes[f"backbone.layers.{i}.norm.weight"] = (WIDTH,)
        shapes |= {at + "in_proj.weight": (2 * inner + shared + STATES, WIDTH)}
        shapes |= {at + "in_proj.bias": (2 * inner + shared + STATES,), at + "norm.weight": (inner,)}
        shapes |= {at + "conv1d.weight": (inner + shared, 1, 4), at + "conv1d.bias": (inner + shared,)}
        shapes |= {at + name: (STATES,) for name in ("A_log", "D", "dt_bias")}
        shapes[at + "out_proj.weight"] = (WIDTH, inner)
    return Toy(drawn(shapes, seed), {"model_type": "mamba2", "hidden_size": WIDTH, "vocab_size": VOCAB}, {})


def mamba2_outputs(tensors: Mapping[str, Array], tokens: NDArray[Any], normed: int = GROUPS) -> Numbers:
    """Logits of a Mamba 2 whose norm is of so many equal groups of channels; in float64, shape [context, vocab]."""
    w = {name: x.astype(np.float64) for name, x in tensors.items()}
    x, inner = w["backbone.embeddings.weight"][tokens], STATES * CHANNELS
    for i in range(3):
        at, sizes = f"backbone.layers.{i}.mixer.", np.cumsum([inner, inner, GROUPS * STATE, GROUPS * STATE])
        rows = _rms(x, w[f"backbone.layers.{i}.norm.weight"]) @ w[at + "in_proj.weight"].T + w[at + "in_proj.bias"]
        z, mixed, step = np.split(rows, sizes[[0, 3]], -1)
        past, kernel = np.concatenate([np.zeros((3, mixed.shape[1])), mixed]), w[at + "conv1d.weight"][:, 0]
        mixed = np.sum([past[k : k + len(x)] * kernel[:, k] for k in range(4)], axis=0)
        value, b, c = np.split(_silu(mixed + w[at + "conv1d.bias"]), sizes[1:3] - inner, -1)
        value = value.reshape(len(x), STATES, CHANNELS)
        b, c = (np.repeat(one.reshape(len(x), GROUPS, STATE), STATES // GROUPS, axis=1) for one in (b, c))
        dt, decay = np.log1p(np.exp(step + w[at + "dt_bias"])), -np.exp(w[at + "A_log"])
        held, out = np.zeros((STATES, CHANNELS, STATE)), []
        for t in range(len(x)):
            held = held * np.exp(dt[t] * decay)[:, None, None]
            held = held + (dt[t][:, None] * value[t])[:, :, None] * b[t][:, None]
            out.append(np.einsum("hps,hs->hp", held, c[t]) + w[at + "D"][:, None] * value[t])
        gated = (np.array(out).reshape(len(x), inner) * _silu(z)).reshape(len(x), normed, -1)
        written = _rms(gated, w[at + "norm.weight"].reshape(normed, -1)).reshape(len(x), inner)
        x = x + written @ w[at + "out_proj.weight"].T
    logits: Numbers = _rms(x, w["backbone.norm_f.weight"]) @ w["lm_head.weight"].T
    return logits


def qwen3_5(seed: int = 0) -> Toy:
    """Qwen3.5: linear attention and gated attention by turns; in each head q, then the gate of its values."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCAB, WIDTH), "model.norm.weight": (WIDTH,)}
    shapes["lm_head.weight"] = (VOCAB, WIDTH)
    for i in range(3):
        at = f"model.layers.{i}."
        shapes |= {f"{at}{norm}_layernorm.weight": (WIDTH,) for norm in ("input", "post_attention")}
        shapes |= gated(at + "mlp.", ("gate_proj", "up_proj", "down_proj"))
        if i == 1:
            shapes |= attention(at + "self_attn.") | {at + "self_attn.q_proj.weight": (2 * HEADS * SIZE, WIDTH)}
            shapes |= {f"{at}self_attn.{role}_norm.weight": (SIZE,) for role in "qk"}
        else:
            shapes |= {at + "linear_attn.A_log": (4,), at + "linear_attn.in_proj_qkv.weight": (30, WIDTH)}
            shapes[at + "linear_attn.out_proj.weight"] = (WIDTH, 10)
    config = CONFIG | {"model_type": "qwen3_5_text", "num_hidden_layers": 3, "tie_word_embeddings": False}
    return Toy(drawn(shapes, seed), config, {})


def gated_attention(tensors: Mapping[str, Array], at: str, x: Numbers) -> Numbers:
    """What a layer of Qwen3.5's attention writes, without positions, in float64, shape [context, width]."""
    w = {name.removeprefix(at): value.astype(np.float64) for name, value in tensors.items() if name.startswith(at)}
    q, gate = np.split((x @ w["q_proj.weight"].T).reshape(len(x), HEADS, 2 * SIZE), 2, -1)
    k, v = ((x @ w[f"{role}_proj.weight"].T).reshape(len(x), KV_HEADS, SIZE) for role in "kv")
    q, k = _rms(q, 1 + w["q_norm.weight"]), _rms(k, 1 + w["k_norm.weight"])
    k, v = (np.repeat(rows, HEADS // KV_HEADS, axis=1) for rows in (k, v))
    scores = np.where(np.tri(len(x), dtype=bool), np.einsum("qhc,khc->hqk", q, k) / SIZE**0.5, -np.inf)
    weight = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = np.einsum("hqk,khc->qhc", weight / weight.sum(-1, keepdims=True), v) / (1 + np.exp(-gate))
    written: Numbers = mixed.reshape(len(x), -1) @ w["o_proj.weight"].T
    return written


def _rms(x: Numbers, gain: Numbers) -> Numbers:
    normed: Numbers = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * gain
    return normed


def _silu(x: Numbers) -> Numbers:
    active: Numbers = x / (1 + np.exp(-x))
    return active
