"""Llama 4 (text): routed experts in one tensor a layer, stored [expert, in, out], and a shared one; or dense.

Norms of q and k have no gains and follow the rotation, and some layers have neither: no symmetry is lost by that.
"""

from ..layout import Family, Slot
from .llama import ATTENTION, GLOBALS, UNEMBED

_AT = "layers.{i}.feed_forward."

LLAMA4 = Family(
    name="llama4",
    model_types=("llama4_text",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | {role: f"{_AT}{role}_proj.weight" for role in ("gate", "up", "down")}
    | {f"shared_{role}": f"{_AT}shared_expert.{role}_proj.weight" for role in ("gate", "up", "down")}
    | {
        "router": _AT + "router.weight",
        "expert_gate": Slot(_AT + "experts.gate_up_proj", transposed=True, part=(0, 2), stacked=True),
        "expert_up": Slot(_AT + "experts.gate_up_proj", transposed=True, part=(1, 2), stacked=True),
        "expert_down": Slot(_AT + "experts.down_proj", transposed=True, stacked=True),
    },
    unprefixed=UNEMBED,
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate", "shared_gate"),
    others={f"expert_{role}": (f"{_AT}experts.{{e}}.{role}_proj.weight",) for role in ("gate", "up", "down")},
    other_meaning=("intermediate_size",),  # of experts; dense layers have intermediate_size_mlp
    rotary="interleaved",
    query_key_norm="none",
    expert_groups=1,
)
