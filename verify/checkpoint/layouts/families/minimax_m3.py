"""MiniMax-M3 (text): routed experts in one tensor a layer and a shared one, whose gate and up lie in one; clamped."""

from ..layout import Family, Slot
from ..mixtures import stacked_experts
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED

_SHARED = "layers.{i}.mlp.shared_experts."

MINIMAX_M3 = Family(
    name="minimax_m3",
    model_types=("minimax_m3_vl_text",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | DENSE
    | stacked_experts("layers.{i}.mlp.")
    | {
        "router": "layers.{i}.mlp.gate.weight",
        "router_bias": "layers.{i}.mlp.gate.e_score_correction_bias",
        "shared_gate": Slot(_SHARED + "gate_up_proj.weight", part=(0, 2)),
        "shared_up": Slot(_SHARED + "gate_up_proj.weight", part=(1, 2)),
        "shared_down": _SHARED + "down_proj.weight",
    },
    unprefixed=UNEMBED,
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate", "shared_gate"),
    odd_in_up=False,
    by_names=False,
    rotary="half",
    query_key_norm="gain",
    expert_groups=1,
)
