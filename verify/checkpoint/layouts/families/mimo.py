"""MiMo-V2: values of heads smaller than keys, of which nothing is read; dense layers and routed experts."""

from dataclasses import replace

from .glm4_moe import GLM4_MOE

MIMO = replace(
    GLM4_MOE,
    name="mimo",
    model_types=("mimo_v2_flash",),
    layer={role: name for role, name in GLM4_MOE.layer.items() if role[0] not in "qkvo" and role[:6] != "shared"},
    outside=(r"\.self_attn\.",),
    required=("embed", "norm_attn", "norm_mlp", "router", "expert_gate"),
    telling=(),
    attention="unknown",
    by_names=False,
    rotary="",
    config={},
)
