"""Qwen2-MoE: Llama's attention, routed experts and a gated shared expert; some layers may be dense."""

from ..layout import Family, Slot
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED

EXPERTS: dict[str, str | Slot] = {
    f"expert_{role}": f"layers.{{i}}.mlp.experts.{{e}}.{role}_proj.weight" for role in ("gate", "up", "down")
}
SHARED: dict[str, str | Slot] = {
    f"shared_{role}": f"layers.{{i}}.mlp.shared_expert.{role}_proj.weight" for role in ("gate", "up", "down")
}

SHARED_EXPERTS: dict[str, str | Slot] = {
    f"shared_{role}": f"layers.{{i}}.mlp.shared_experts.{role}_proj.weight" for role in ("gate", "up", "down")
}

STACKED: dict[str, tuple[str | Slot, ...]] = {
    f"expert_{role}": (
        Slot(f"layers.{{i}}.mlp.experts.{name}_proj", part=part, stacked=True),
        Slot(f"layers.{{i}}.mlp.switch_mlp.{role}_proj.weight", stacked=True),
    )
    for role, name, part in (("gate", "gate_up", (0, 2)), ("up", "gate_up", (1, 2)), ("down", "down", (0, 1)))
}
"""Stacked experts in newer files, and in those of MLX."""

QWEN2_MOE = Family(
    name="qwen2_moe",
    model_types=("qwen2_moe",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | DENSE
    | EXPERTS
    | SHARED
    | {"router": "layers.{i}.mlp.gate.weight", "shared_router": "layers.{i}.mlp.shared_expert_gate.weight"},
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "expert_gate"),
    telling=("shared_gate", "shared_router"),
    others=STACKED,
    rotary="half",
    query_key_norm="none",
    expert_groups=1,
)
