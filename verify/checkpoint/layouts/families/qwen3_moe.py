"""Qwen3-MoE: norms of q and k, routed experts, in kin of it also a shared one; some layers may be dense."""

from ..layout import Family
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED
from .qwen2_moe import EXPERTS, SHARED

QWEN3_MOE = Family(
    name="qwen3_moe",
    model_types=(
        "qwen3_moe",
        "qwen3_vl_moe_text",
        "olmoe",
        "mellum",
        "kolibri1",
        "exaone_moe",
        "flint",
        "qwen3_omni_moe_text",
    ),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | DENSE
    | EXPERTS
    | SHARED
    | {
        "router": "layers.{i}.mlp.gate.weight",
        "router_bias": "layers.{i}.mlp.e_score_correction_bias",
        "sinks": "layers.{i}.self_attn.softmax_offset",
        "norm_attn_out": "layers.{i}.post_attn_norm.weight",
        "norm_mlp_out": "layers.{i}.post_ffn_norm.weight",
    },
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "k", "v", "o", "q_norm", "k_norm", "norm_attn", "router", "expert_gate"),
    others={
        "router_bias": ("layers.{i}.moe.router.expert_bias",),
        "sinks": ("layers.{i}.self_attn.sinks",),
        "norm_attn_out": ("layers.{i}.post_self_attn_layernorm.weight",),
        "norm_mlp_out": ("layers.{i}.post_mlp_layernorm.weight",),
    },
    rotary="half",
    query_key_norm="gain",
    expert_groups=1,
    switches={"model_type=exaone_moe": {"expert_groups": ("n_group",)}},
)
