"""Pangu Pro MoE: biases on q, k, v and o; grouped experts with a router scale; an ungated shared expert."""

from ..layout import Family
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED
from .qwen2_moe import EXPERTS, SHARED

PANGU_PRO_MOE = Family(
    name="pangu_pro_moe",
    model_types=("PanguProMoE", "pangu_pro_moe"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | DENSE
    | EXPERTS
    | SHARED
    | {"router": "layers.{i}.mlp.gate.weight", "router_scale": "layers.{i}.mlp.router_scale"},
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$", r"\.k_proj\.kv_cache_(scale|offset)$"),
    required=("embed", "q", "k", "v", "o", "norm_attn", "expert_gate"),
    telling=("shared_gate", "router_scale"),
    rotary="half",
    query_key_norm="none",
    switches={"qk_rope_dim": {"rotary": ""}},  # a later model of this type turns the last channels of a head
    expert_groups=("num_experts_per_tok",),  # the best expert of each group
)
