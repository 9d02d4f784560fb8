"""Hunyuan MoE, 1 and 3: Llama's attention with norms of q and k; routed experts and a shared MLP."""

from ..layout import Family
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED
from .qwen2_moe import EXPERTS

_MLP = "layers.{i}.mlp."

HUNYUAN_MOE = Family(
    name="hunyuan_moe",
    model_types=("hunyuan_v1_moe", "hy_v3"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | DENSE
    | EXPERTS
    | {f"shared_{role}": f"{_MLP}shared_mlp.{role}_proj.weight" for role in ("gate", "up", "down")}
    | {"router": _MLP + "router.gate.weight", "router_bias": _MLP + "expert_bias"},
    unprefixed=UNEMBED,
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate", "shared_gate"),
    others={
        "q_norm": ("layers.{i}.self_attn.query_layernorm.weight",),
        "k_norm": ("layers.{i}.self_attn.key_layernorm.weight",),
        "router": (_MLP + "gate.wg.weight",),
    },
    rotary="half",
    query_key_norm="gain",
    expert_groups=1,
)
