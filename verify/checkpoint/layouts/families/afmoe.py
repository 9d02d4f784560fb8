"""AFMoE (Arcee Trinity): a gate for each value channel, norms around sublayers, routed experts and shared ones."""

from ..layout import Family
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED
from .qwen2_moe import EXPERTS, SHARED_EXPERTS

AFMOE = Family(
    name="afmoe",
    model_types=("afmoe",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | DENSE
    | EXPERTS
    | SHARED_EXPERTS
    | {
        "value_gate": "layers.{i}.self_attn.gate_proj.weight",
        "norm_attn_out": "layers.{i}.post_attention_layernorm.weight",
        "norm_mlp": "layers.{i}.pre_mlp_layernorm.weight",
        "norm_mlp_out": "layers.{i}.post_mlp_layernorm.weight",
        "router": "layers.{i}.mlp.router.gate.weight",
        "router_bias": "layers.{i}.mlp.expert_bias",
    },
    unprefixed=UNEMBED,
    required=("embed", "q", "k", "v", "o", "value_gate", "norm_attn", "norm_mlp", "norm_mlp_out", "expert_gate"),
    rotary="half",
    query_key_norm="gain",
    expert_groups=1,
)
