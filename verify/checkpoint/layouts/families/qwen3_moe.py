"""Qwen3-MoE: norms of q and k, routed experts without a shared one; some layers may be dense."""

from ..layout import Family
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED
from .qwen2_moe import EXPERTS, STACKED

QWEN3_MOE = Family(
    name="qwen3_moe",
    model_types=("qwen3_moe",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION | DENSE | EXPERTS | {"router": "layers.{i}.mlp.gate.weight"},
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "k", "v", "o", "q_norm", "k_norm", "norm_attn", "router", "expert_gate"),
    others=STACKED,
    rotary="half",
    query_key_norm="gain",
    expert_groups=1,
)
