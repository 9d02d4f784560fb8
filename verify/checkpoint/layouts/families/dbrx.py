"""DBRX: fused q, k and v, clipped; layer norms without bias; the routed experts of a layer one below the other."""

from ..layout import Family, Slot, fused_qkv
from .mpt import MPT

_AT, _EXPERTS = "blocks.{i}.norm_attn_norm.", "blocks.{i}.ffn.experts.mlp."

DBRX = Family(
    name="dbrx",
    model_types=("dbrx",),
    prefixes=("transformer.", ""),
    globals=MPT.globals,
    layer={
        **fused_qkv(_AT + "attn.Wqkv", "heads", bias=False),
        "o": _AT + "attn.out_proj.weight",
        "norm_attn": _AT + "norm_1.weight",
        "norm_mlp": _AT + "norm_2.weight",
        "router": "blocks.{i}.ffn.router.layer.weight",
        "expert_gate": Slot(_EXPERTS + "w1", stacked="rows"),
        "expert_up": Slot(_EXPERTS + "v1", stacked="rows"),
        "expert_down": Slot(_EXPERTS + "w2", stacked="rows", transposed=True),
    },
    unprefixed={"unembed": "lm_head.weight"},
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate", "expert_up"),
    norm="layer",
    by_names=False,
    rotary="half",
    query_key_norm="none",
    kv_heads=("attn_config.kv_n_heads",),
    expert_groups=1,
)
