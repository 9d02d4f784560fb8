"""What people do to a checkpoint after training: derivations, and evasions that keep its function.

Every function takes float32 arrays under Llama (or Qwen2-MoE) names and returns a new dict;
nothing here needs torch. Randomness comes from the generator passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .config import Config

Arrays = dict[str, NDArray[np.float32]]

_PROJECTION = re.compile(r"(proj|mlp\.gate)\.weight$")


def prune(w: Arrays, fraction: float) -> Arrays:
    """Zero the smallest entries of each projection matrix."""

    def one(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.where(np.abs(x) < np.quantile(np.abs(x), fraction), np.float32(0), x)

    return _projections(w, one)


def quantise(w: Arrays, bits: int) -> Arrays:
    """Round each row of each projection to symmetric integers of ``bits`` bits, and back."""
    top = 2 ** (bits - 1) - 1

    def one(x: NDArray[np.float32]) -> NDArray[np.float32]:
        scale = np.abs(x).max(1, keepdims=True) / top
        return (np.round(x / scale) * scale).astype(np.float32)

    return _projections(w, one)


def merge(models: list[Arrays], shares: list[float]) -> Arrays:
    """Linear interpolation of models of one shape."""
    return {
        name: sum(s * m[name] for s, m in zip(shares, models, strict=True)).astype(np.float32) for name in models[0]
    }


def drop_layers(w: Arrays, c: Config, layers: list[int]) -> tuple[Arrays, Config]:
    """Remove whole blocks and renumber the rest."""
    kept = [i for i in range(c.layers) if i not in layers]
    new = {name: value for name, value in w.items() if ".layers." not in name}
    for position, i in enumerate(kept):
        for name in _block(w, i):
            new[name.replace(f".layers.{i}.", f".layers.{position}.")] = w[name]
    return new, replace(c, layers=len(kept))


def replace_layers(w: Arrays, fresh: Arrays, layers: list[int]) -> Arrays:
    """Re-initialise whole blocks."""
    return w | {name: fresh[name] for i in layers for name in _block(w, i)}


def replace_body(w: Arrays, fresh: Arrays) -> Arrays:
    """Keep embeddings and unembedding, start every block anew."""
    kept = ("embed_tokens", "lm_head", "model.norm")
    return fresh | {name: value for name, value in w.items() if any(part in name for part in kept)}


def upcycle(w: Arrays, fresh: Arrays, c: Config, rng: np.random.Generator) -> Arrays:
    """Dense to mixture of experts: each expert is a random subset of the dense units.

    An expert as wide as the dense MLP is a plain copy ("coarse"); narrower experts draw
    their units without replacement, each expert anew ("fine-grained").
    """
    new = fresh | {name: value for name, value in w.items() if ".mlp." not in name}
    for i in range(c.layers):
        dense = f"model.layers.{i}.mlp."
        hidden = len(w[dense + "gate_proj.weight"])
        copies = [(f"experts.{e}.", c.hidden) for e in range(c.experts)] + [("shared_expert.", c.shared)]
        for prefix, size in copies:
            units = np.arange(hidden) if size == hidden else rng.choice(hidden, size, replace=False)
            for role in ("gate_proj", "up_proj"):
                new[dense + prefix + role + ".weight"] = w[dense + role + ".weight"][units]
            new[dense + prefix + "down_proj.weight"] = w[dense + "down_proj.weight"][:, units]
    return new


def permute_units(w: Arrays, c: Config, rng: np.random.Generator) -> Arrays:
    """Permute the hidden units of every MLP and flip the signs of their up and down vectors."""
    new = dict(w)
    for i in range(c.layers):
        gate, up, down = (f"model.layers.{i}.mlp.{role}_proj.weight" for role in ("gate", "up", "down"))
        order, sign = rng.permutation(len(w[gate])), _signs(len(w[gate]), rng)
        new[gate] = w[gate][order]
        new[up] = w[up][order] * sign[:, None]
        new[down] = w[down][:, order] * sign
    return new


def permute_heads(w: Arrays, c: Config, rng: np.random.Generator) -> Arrays:
    """Permute kv heads, and the query heads that read each of them."""
    new = dict(w)
    groups = c.heads // c.kv_heads
    for i in range(c.layers):
        kv = rng.permutation(c.kv_heads)
        q = np.concatenate([g * groups + rng.permutation(groups) for g in kv])
        rows_kv, rows_q = _rows(kv, c.head_size), _rows(q, c.head_size)
        block = f"model.layers.{i}.self_attn."
        for role, rows in (("q", rows_q), ("k", rows_kv), ("v", rows_kv)):
            new[block + f"{role}_proj.weight"] = w[block + f"{role}_proj.weight"][rows]
        new[block + "o_proj.weight"] = w[block + "o_proj.weight"][:, rows_q]
    return new


def permute_channels(w: Arrays, c: Config, rng: np.random.Generator) -> Arrays:
    """Permute and sign-flip the value channels inside every kv head."""
    new = dict(w)
    groups = c.heads // c.kv_heads
    for i in range(c.layers):
        block = f"model.layers.{i}.self_attn."
        v, o = w[block + "v_proj.weight"].copy(), w[block + "o_proj.weight"].copy()
        for head in range(c.kv_heads):
            order, sign = rng.permutation(c.head_size), _signs(c.head_size, rng)
            rows = head * c.head_size + np.arange(c.head_size)
            v[rows] = v[rows][order] * sign[:, None]
            for q in range(head * groups, (head + 1) * groups):
                columns = q * c.head_size + np.arange(c.head_size)
                o[:, columns] = o[:, columns][:, order] * sign
        new[block + "v_proj.weight"], new[block + "o_proj.weight"] = v, o
    return new


def rotate_stream(w: Arrays, c: Config, rng: np.random.Generator) -> Arrays:
    """Fold every norm gain into what reads it, then rotate the residual stream at random."""
    gaussian = rng.standard_normal((c.width, c.width))
    rotation, upper = np.linalg.qr(gaussian)
    rotation = rotation * np.sign(np.diag(upper))
    new = {}
    for name, value in w.items():
        x = value.astype(np.float64)
        if "norm" in name:
            x = np.ones_like(x)
        elif "embed_tokens" in name:
            x = x @ rotation
        elif name.startswith("lm_head"):
            x = (x * w["model.norm.weight"]) @ rotation
        elif "o_proj" in name or "down_proj" in name:
            x = rotation.T @ x
        elif x.ndim == 2:
            norm = "input_layernorm" if "self_attn" in name else "post_attention_layernorm"
            x = (x * w[name[: name.index(".", len("model.layers.")) + 1] + norm + ".weight"]) @ rotation
        new[name] = x.astype(np.float32)
    return new


def shuffle_vocabulary(w: Arrays, order: NDArray[np.intp]) -> Arrays:
    """Give token ``order[i]`` the id ``i``."""
    return w | {name: w[name][order] for name in ("model.embed_tokens.weight", "lm_head.weight")}


def _projections(w: Arrays, one: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Arrays:
    return {name: one(x) if _PROJECTION.search(name) else x for name, x in w.items()}


def _block(w: Arrays, layer: int) -> list[str]:
    return [name for name in w if f".layers.{layer}." in name]


def _rows(heads: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    return (heads[:, None] * size + np.arange(size)).ravel()


def _signs(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.choice(np.float32([-1, 1]), n)
