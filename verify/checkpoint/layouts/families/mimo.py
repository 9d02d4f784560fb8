"""MiMo-V2: values of heads smaller than keys; dense layers and routed experts.

Layers of sliding attention, which are most, have twice the kv heads that ``config.json`` states, and sinks.
"""

from dataclasses import replace

from ..layout import ROTARY_SIZES
from .glm4_moe import GLM4_MOE

MIMO = replace(
    GLM4_MOE,
    name="mimo",
    model_types=("mimo_v2_flash",),
    layer={role: name for role, name in GLM4_MOE.layer.items() if role[:6] != "shared"}
    | {"sinks": "layers.{i}.self_attn.sinks"},
    outside=(),
    required=("embed", "norm_attn", "norm_mlp", "router", "expert_gate"),
    others={"sinks": ("layers.{i}.self_attn.attention_sink_bias",)},
    telling=(),
    values_apart=True,
    by_names=False,
    rotary_size=("rope_parameters.sliding_attention.partial_rotary_factor", *ROTARY_SIZES),
    config={"partial_rotary_factor": 0.334},
    other_meaning=("num_key_value_heads",),
)
