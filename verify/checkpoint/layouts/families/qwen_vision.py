"""Image towers of Qwen-VL 2 to 3.5 and its kin: q, k and v in one tensor, positions of two axes by rotation.

That of 2.5 has RMS norms and gated MLPs.
"""

from dataclasses import replace

from ..layout import Family, fused_qkv, with_bias

_AT = "blocks.{i}."
_ATTENTION = fused_qkv(_AT + "attn.qkv", "equal") | with_bias(
    o=_AT + "attn.proj", norm_attn=_AT + "norm1", norm_mlp=_AT + "norm2"
)

QWEN_VISION = Family(
    name="qwen_vision",
    kind="image tower",
    model_types=(
        *("qwen2_vl_vision", "qwen2_vl", "qwen3_vl_vision", "qwen3_vl", "qwen3_vl_moe_vision", "qwen3_vl_moe"),
        *("qwen3_5_vision", "qwen3_5", "qwen3_5_moe_vision", "qwen3_5_moe", "qwen3_omni_moe_vision_encoder"),
    ),
    prefixes=("",),
    globals={},
    layer=_ATTENTION | with_bias(up=_AT + "mlp.linear_fc1", down=_AT + "mlp.linear_fc2"),
    outside=(r"(^|\.)(patch_embed|pos_embed|merger|merger_list|deepstack_merger_list)\.",),
    required=("q", "o", "norm_attn", "norm_mlp", "up", "down"),
    others={role: (name,) for role, name in with_bias(up=_AT + "mlp.fc1", down=_AT + "mlp.fc2").items()},
    norm="layer",
    gated=False,
    odd_in_up=False,
    by_names=False,
    rotary="half",
    query_key_norm="none",
    kv_heads=("num_heads",),
    section="vision_config",
    other_meaning=("hidden_size",),  # of the language model, in 2
)

QWEN2_5_VISION = replace(
    QWEN_VISION,
    name="qwen2_5_vision",
    model_types=("qwen2_5_vl_vision", "qwen2_5_vl"),
    layer=_ATTENTION | with_bias(**{role: f"{_AT}mlp.{role}_proj" for role in ("gate", "up", "down")}),
    required=(*QWEN_VISION.required, "gate"),
    others={},
    norm="rms",
    gated=True,
    odd_in_up=True,
)
