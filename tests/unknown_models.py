"""Models that no table knows, of many words and shapes."""

from __future__ import annotations

import numpy as np

from tests.checkpoints import Array, Toy

WIDTH, HIDDEN, VOCAB, LAYERS, HEADS, KV_HEADS, SIZE = 16, 40, 128, 3, 4, 2, 4
GATED = (
    ("gate_proj", "up_proj", "down_proj"),
    ("w1", "w3", "w2"),
    ("gate", "up", "down"),
    ("wi_0", "wi_1", "wo"),
)
ATTENTION = (
    ("q_proj", "k_proj", "v_proj", "o_proj"),
    ("q_proj", "k_proj", "v_proj", "out_proj"),
    ("query", "key", "value", "out"),
    ("wq", "wk", "wv", "wo"),
    ("to_q", "to_k", "to_v", "to_out.0"),
)
SHAPES = {
    "gate": (HIDDEN, WIDTH),
    "up": (HIDDEN, WIDTH),
    "down": (WIDTH, HIDDEN),
    "q": (HEADS * SIZE, WIDTH),
    "k": (KV_HEADS * SIZE, WIDTH),
    "v": (KV_HEADS * SIZE, WIDTH),
    "o": (WIDTH, HEADS * SIZE),
}


def strange(
    words: tuple[str, ...] = ("w1", "w3", "w2"),
    *,
    attention: tuple[str, ...] | None = ATTENTION[0],
    at: str = "net.blocks.",
    module: str = "mixer.",
    transposed: bool = False,
    bias: bool = False,
    tokens: str | None = "net.tok_embeddings.weight",
    norms: bool = True,
    seed: int = 0,
) -> Toy:
    """A model of no family, under words in common use."""
    rng = np.random.default_rng(seed)
    tensors: dict[str, Array] = {}
    canonical: dict[tuple[str, int | None, int | None], Array] = {}

    def add(name: str, role: str, layer: int | None, shape: tuple[int, ...]) -> None:
        value = rng.standard_normal(shape).astype(np.float32)
        canonical[role, layer, None] = value
        tensors[name] = value.T if transposed and layer is not None and len(shape) == 2 else value

    if tokens is not None:
        add(tokens, "embed", None, (VOCAB, WIDTH))
    for i in range(LAYERS):
        roles = ("gate", "up", "down") if words in GATED else ("up", "down")
        named = [(f"{at}{i}.{module}{word}", role) for word, role in zip(words, roles, strict=True)]
        if attention is not None:
            named += [(f"{at}{i}.attn.{word}", role) for word, role in zip(attention, "qkvo", strict=True)]
        for name, role in named:
            add(f"{name}.weight", role, i, SHAPES[role])
            if bias:
                add(f"{name}.bias", f"{role}_bias", i, SHAPES[role][:1])
        if norms:
            tensors[f"{at}{i}.norm1.weight"] = np.ones(WIDTH, np.float32)
    config = {"model_type": "never-seen", "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS}
    return Toy(tensors, config, canonical)
