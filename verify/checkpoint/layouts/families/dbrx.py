"""DBRX: fused q, k and v, clipped; layer norms without bias; routed experts, which are left out."""

from ..layout import Family, fused_qkv
from .mpt import MPT

_AT = "blocks.{i}.norm_attn_norm."

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
    },
    unprefixed={"unembed": "lm_head.weight"},
    outside=(r"\.ffn\.",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp"),
    norm="layer",
    by_names=False,
    uneven=True,
    rotary="half",
    query_key_norm="none",
    kv_heads=("attn_config.kv_n_heads",),
)
