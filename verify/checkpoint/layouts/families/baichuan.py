"""Baichuan 1 and 2: Llama with q, k and v as thirds of one tensor; rotary positions in 7B, ALiBi in 13B."""

from ..layout import Family, fused_qkv
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED

BAICHUAN = Family(
    name="baichuan",
    model_types=("baichuan",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer={role: ATTENTION[role] for role in ("o", "norm_attn", "norm_mlp")}
    | DENSE
    | fused_qkv("layers.{i}.self_attn.W_pack", "equal", bias=False),
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "o", "norm_attn", "norm_mlp", "gate", "up", "down"),
    others={role: (ATTENTION[role],) for role in "qkv"},
    positions="none",
    query_key_norm="none",
    switches={  # 13B gives model_max_length alone
        "max_position_embeddings": {"positions": "rotary", "rotary": "half"}
    },
)
