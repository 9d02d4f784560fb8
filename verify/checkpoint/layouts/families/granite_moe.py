"""Granite 3 and 4: routed experts in one tensor a layer, a shared MLP; in the hybrids most layers are Mamba 2.

A hybrid without experts has the shared MLP alone.
"""

from dataclasses import replace

from ..layout import Family, Slot
from ..mixtures import stacked_experts
from ..state_space import mamba2, without_role
from .llama import DENSE, GLOBALS, PLAIN, UNEMBED
from .qwen2_moe import EXPERTS, SHARED_EXPERTS

_MOE, _SHARED = "layers.{i}.block_sparse_moe.", "layers.{i}.shared_mlp."
_STATES = mamba2("layers.{i}.mamba.")
_IN, _OUT = _SHARED + "input_linear.weight", _SHARED + "output_linear.weight"

GRANITE_MOE = Family(
    name="granite_moe",
    model_types=("granitemoe", "granitemoeshared", "granitemoehybrid", "granitemoe_swa"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=PLAIN
    | _STATES
    | {
        "router": _MOE + "router.layer.weight",
        "expert_gate": Slot(_MOE + "input_linear.weight", part=(0, 2), stacked=True),
        "expert_up": Slot(_MOE + "input_linear.weight", part=(1, 2), stacked=True),
        "expert_down": Slot(_MOE + "output_linear.weight", stacked=True),
        "shared_gate": Slot(_IN, part=(0, 2)),
        "shared_up": Slot(_IN, part=(1, 2)),
        "shared_down": _OUT,
        "sinks": "layers.{i}.self_attn.sinks",
    },
    unprefixed=UNEMBED,
    outside=(without_role("mamba"),),
    required=("embed", "norm_attn", "norm_mlp", "router", "expert_gate"),
    others={
        "router": (_MOE + "router.weight",),
        **{role: (slot, EXPERTS[role]) for role, slot in stacked_experts(_MOE).items()},
        **{role: (name,) for role, name in SHARED_EXPERTS.items() if role != "shared_down"},
    },
    tied=True,
    rotary="half",
    query_key_norm="none",
    expert_groups=1,
    switches={"position_embedding_type=nope": {"positions": "none", "rotary": ""}},
)

GRANITE_HYBRID = replace(
    GRANITE_MOE,
    name="granite_hybrid",
    model_types=("granitemoehybrid",),
    layer=PLAIN | _STATES | {"gate": Slot(_IN, part=(0, 2)), "up": Slot(_IN, part=(1, 2)), "down": _OUT},
    required=("embed", "norm_attn", "norm_mlp", "gate", "down"),
    others={role: (DENSE[role],) for role in ("gate", "up", "down")},
    other_meaning=("intermediate_size",),
)
