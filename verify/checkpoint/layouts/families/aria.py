"""Aria (text): routed experts in one tensor a layer, stored [expert, in, out], and shared ones."""

from ..layout import Family, Slot
from .llama import GLOBALS, PLAIN, UNEMBED
from .qwen2_moe import SHARED_EXPERTS

_EXPERTS = "layers.{i}.mlp.experts."

ARIA = Family(
    name="aria",
    model_types=("aria_text",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=PLAIN
    | SHARED_EXPERTS
    | {
        "router": "layers.{i}.mlp.router.weight",
        "expert_gate": Slot(_EXPERTS + "fc1.weight", transposed=True, part=(0, 2), stacked=True),
        "expert_up": Slot(_EXPERTS + "fc1.weight", transposed=True, part=(1, 2), stacked=True),
        "expert_down": Slot(_EXPERTS + "fc2.weight", transposed=True, stacked=True),
    },
    unprefixed=UNEMBED,
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate"),
    other_meaning=("intermediate_size",),  # of experts
    rotary="half",
    query_key_norm="none",
    expert_groups=1,
)
