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
WHOLE, NOTHING, OPEN = ("half", SIZE, "none"), ("", 0, "none"), ("", 0, "unknown")
GAINS = ("half", SIZE, "gain")
DECLARED: dict[str, tuple[str, int, str]] = {
    **dict.fromkeys(
        ("mixtral", "phi3", "gemma", "gemma2", "olmo", "hf_olmo", "internlm2", "baichuan", "qwen"), WHOLE
    ),
    **dict.fromkeys(("falcon", "falcon 11b", "falcon 40b"), WHOLE),
    **dict.fromkeys(("qwen3_moe", "gemma3_text", "olmo2", "lfm2"), GAINS),
    "gpt_neox": ("half", 2, "none"),
    "glm4_moe": ("half", 4, "gain"),
    **dict.fromkeys(("gptj", "glm", "glm4", "chatglm", "deepseek_v2", "deepseek_v3"), ("interleaved", 4, "none")),
    **dict.fromkeys(("opt", "gpt_bigcode", "electra", "albert", "distilbert", "mpnet", "vit"), NOTHING),
    **dict.fromkeys(("clip_text_model", "clip_vision_model"), NOTHING),
    **dict.fromkeys(("mpt", "bloom", "falcon rw", "t5", "t5 1.1"), NOTHING),
    "torch_encoder": OPEN,
}
"""Pairing of the channels of q and k that positions turn, their number, and the norm, of each family."""


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


def refused(family: str) -> dict[str, str]:
    """Tests that do not apply to two models of a family, and a pattern of the reason."""
    facts, (rotary, turned, _) = PUBLISHED[family], DECLARED[family]
    found = dict(facts.refused)
    tokens = "embed" in facts.globals.values()
    if not family.startswith("deepseek"):
        found["latent_identity"] = "from a latent vector"
    found["unused_tokens"] = "no token that is known" if tokens else "no token embedding"
    if not facts.sizes[1]:
        found["expert_identity"] = "no routed experts"
    elif family in ("deepseek_v2", "deepseek_v3", "glm4_moe"):
        found["expert_identity"] = "not known among which experts"
    if "value_identity" in found:  # no channels of single heads
        of_heads = ("head_identity", "rotary_phase", "query_key_identity")
        return found | dict.fromkeys(of_heads, found["value_identity"])
    if not rotary:
        found["rotary_phase"] = "turns no channels"
    if turned == SIZE:
        found["query_key_identity"] = "turn all channels"
    if not tokens:
        found["head_identity"] = "no token embedding"
    elif facts.kv_heads == 1:
        found["head_identity"] = "one kv head"
    elif facts.positions == "none" or family == "mpnet":
        found["head_identity"] = "something fixed, or shared by layers"
    return found


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
