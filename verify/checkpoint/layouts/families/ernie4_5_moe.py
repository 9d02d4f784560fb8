"""ERNIE 4.5 MoE: Llama's attention; a dense layer first, then routed experts and shared ones."""

from ..layout import Family
from .llama import DENSE, GLOBALS, PLAIN, UNEMBED
from .qwen2_moe import EXPERTS, SHARED_EXPERTS

ERNIE4_5_MOE = Family(
    name="ernie4_5_moe",
    model_types=("ernie4_5_moe",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=PLAIN
    | DENSE
    | EXPERTS
    | SHARED_EXPERTS
    | {
        "router": "layers.{i}.mlp.gate.weight",
        "router_bias": "layers.{i}.mlp.moe_statics.e_score_correction_bias",
    },
    unprefixed=UNEMBED,
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate"),
    by_names=False,
    tied=True,
    rotary="interleaved",
    query_key_norm="none",
    expert_groups=1,
)
