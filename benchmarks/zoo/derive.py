"""What people do to a checkpoint after training; changes that keep its function are in ``changes``.

Every function takes float32 arrays under Llama (or Qwen2-MoE) names and returns a new dict;
nothing here needs torch. Randomness comes from the generator passed in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .changes.roles import Arrays
from .config import Config

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


def shuffle_vocabulary(w: Arrays, order: NDArray[np.intp]) -> Arrays:
    """Give token ``order[i]`` the id ``i``."""
    return w | {name: w[name][order] for name in ("model.embed_tokens.weight", "lm_head.weight")}


def _projections(w: Arrays, one: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Arrays:
    return {name: one(x) if _PROJECTION.search(name) else x for name, x in w.items()}


def _block(w: Arrays, layer: int) -> list[str]:
    return [name for name in w if f".layers.{layer}." in name]
