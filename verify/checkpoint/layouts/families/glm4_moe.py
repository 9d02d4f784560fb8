"""GLM-4.5: Llama's attention with biases; dense layers first, then routed experts and a shared one.

dots and Solar Open turn all channels of a head, GLM half of them.
"""

from dataclasses import replace

from ..layout import Family
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED
from .qwen2_moe import EXPERTS, SHARED_EXPERTS

GLM4_MOE = Family(
    name="glm4_moe",
    model_types=("glm4_moe", "glm4v_moe_text"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | DENSE
    | EXPERTS
    | SHARED_EXPERTS
    | {
        "router": "layers.{i}.mlp.gate.weight",
        "router_bias": "layers.{i}.mlp.gate.e_score_correction_bias",
    },
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    outside=(r"\.[0-9]+\.(embed_tokens|enorm|hnorm|eh_proj|shared_head\.(norm|head))\.weight$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate"),
    telling=("router_bias", "shared_gate"),
    rotary="half",
    query_key_norm="none",
    config={"partial_rotary_factor": 0.5},
    expert_groups=("n_group",),
)

DOTS1 = replace(GLM4_MOE, name="dots1", model_types=("dots1", "solar_open"), config={}, by_names=False)
