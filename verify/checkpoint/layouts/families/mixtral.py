"""Mixtral: Llama's attention; routed experts alone, whose w1 is the gate, w3 up and w2 down."""

from ..layout import Family
from .llama import ATTENTION, GLOBALS, UNEMBED
from .qwen2_moe import STACKED

_EXPERT = "layers.{i}.block_sparse_moe.experts.{e}."

MIXTRAL = Family(
    name="mixtral",
    model_types=("mixtral",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | {
        "router": "layers.{i}.block_sparse_moe.gate.weight",
        "expert_gate": _EXPERT + "w1.weight",
        "expert_up": _EXPERT + "w3.weight",
        "expert_down": _EXPERT + "w2.weight",
    },
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate"),
    others=STACKED | {"router": ("layers.{i}.mlp.gate.weight",)},
    rotary="half",
    query_key_norm="none",
    expert_groups=1,
)
