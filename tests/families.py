"""Families as published, at toy width, with random weights.

Fused tensors are built from their parts, so that the library's tables are proved against them.
"""

from __future__ import annotations

import numpy as np

from tests.checkpoints import Array, Toy
from tests.published import (
    EXPERT,
    EXPERTS,
    HEADS,
    HIDDEN,
    SIZE,
    VOCAB,
    WIDTH,
)
from tests.published_decoders import DECODERS
from tests.published_others import OTHERS

PUBLISHED = DECODERS | OTHERS


def shape(role: str, kv_heads: int, narrow: int = WIDTH) -> tuple[int, ...]:
    """Canonical shape of a role; a bias has the rows of its matrix."""
    if role.endswith("_bias") and not role.startswith("norm_"):
        return shape(role.removesuffix("_bias"), kv_heads)[:1]
    if role.startswith("norm_embed"):
        return (narrow,)
    rows, kv = HEADS * SIZE, kv_heads * SIZE
    shapes: dict[str, tuple[int, ...]] = {
        "embed": (VOCAB, narrow),
        "embed_map": (WIDTH, narrow),
        "unembed": (VOCAB, WIDTH),
        "position": (16, WIDTH),
        "shared_gate": (HIDDEN, WIDTH),
        "shared_up": (HIDDEN, WIDTH),
        "shared_down": (WIDTH, HIDDEN),
        "latent_q": (HEADS * 12, WIDTH),
        "latent_q_a": (12, WIDTH),
        "latent_q_a_norm": (12,),
        "latent_q_b": (HEADS * 12, 12),
        "latent_kv_a": (14, WIDTH),
        "latent_kv_a_norm": (10,),
        "latent_kv_b": (HEADS * 16, 10),
        "latent_o": (WIDTH, HEADS * 8),
        "q": (rows, WIDTH),
        "k": (kv, WIDTH),
        "v": (kv, WIDTH),
        "o": (WIDTH, rows),
        "gate": (HIDDEN, WIDTH),
        "up": (HIDDEN, WIDTH),
        "down": (WIDTH, HIDDEN),
        "expert_gate": (EXPERT, WIDTH),
        "expert_up": (EXPERT, WIDTH),
        "expert_down": (WIDTH, EXPERT),
        "router": (EXPERTS, WIDTH),
        "router_bias": (EXPERTS,),
        "q_norm": (SIZE,),
        "k_norm": (SIZE,),
        "q_norm all": (rows,),
        "k_norm all": (kv,),
    }
    return shapes.get(role, (WIDTH,))


def toy(family: str, seed: int = 0) -> Toy:
    """A model of a published family, as stored and as meant."""
    facts, rng = PUBLISHED[family], np.random.default_rng(seed)
    tensors: dict[str, Array] = {}
    canonical: dict[tuple[str, int | None, int | None], Array] = {}

    def draw(named: str, layer: int | None) -> Array:
        role, _, number = named.partition(" ")
        size = shape(named if number == "all" else role, facts.kv_heads, facts.narrow)
        value = rng.standard_normal(size) if len(size) > 1 else rng.uniform(0.5, 1.5, size)
        expert = int(number) if number.isdigit() else None
        canonical[role, layer, expert] = value.astype(np.float32)
        return canonical[role, layer, expert]

    for name, role in facts.globals.items():
        tensors[name] = draw(role, None)
    for n, (start, layer) in enumerate(facts.further, start=1):
        for i in range(facts.layers):
            for name, role in layer.items():
                tensors[f"{start}{i}.{name}"] = draw(role, n * facts.layers + i)
    for i in range(facts.layers):
        at = f"{facts.at}{i}."
        for name, role in facts.layer.items():
            tensors[at + name] = draw(role, i)
        for name, parts in facts.stacked.items():
            tensors[at + name] = np.concatenate([draw(part, i) for part in parts])
        for name, trio in facts.by_group.items():
            tensors[at + name] = by_group(*(draw(part, i) for part in trio), kv_heads=facts.kv_heads)
        for name in facts.constants:
            tensors[at + name] = np.ones(4, np.float32)
    tensors |= {name: np.ones(4, np.float32) for name in facts.rest}
    named = family if facts.model_type == "" else facts.model_type
    return Toy(tensors, facts.config | ({} if named is None else {"model_type": named}), canonical)


def by_group(q: Array, k: Array, v: Array, kv_heads: int) -> Array:
    """For each kv head, the rows of its query heads, of its k, of its v."""
    sharing = HEADS // kv_heads * SIZE
    pieces: list[Array] = []
    for g in range(kv_heads):
        pieces += [q[g * sharing : (g + 1) * sharing], k[g * SIZE : (g + 1) * SIZE], v[g * SIZE : (g + 1) * SIZE]]
    return np.concatenate(pieces)
