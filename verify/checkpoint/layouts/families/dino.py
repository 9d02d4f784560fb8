"""DINOv2 and v3: ViT with layer scales; the largest have gated MLPs. Patches of images in place of tokens."""

from dataclasses import replace

from ..layout import Slot, with_bias
from .vit import VIT

_AT = "encoder.layer.{i}."
_IN = _AT + "mlp.weights_in."
_RENAMED = with_bias(**{role: f"{_AT}attention.{role}_proj" for role in "qkvo"})

DINOV2 = replace(
    VIT,
    name="dinov2",
    model_types=("dinov2", "dinov2_with_registers"),
    prefixes=("", "dinov2.", "dinov2_with_registers."),
    layer={role: name for role, name in VIT.layer.items() if role.removesuffix("_bias") in "qkvo"}
    | with_bias(up=_AT + "mlp.fc1", down=_AT + "mlp.fc2", norm_attn=_AT + "norm1", norm_mlp=_AT + "norm2"),
    outside=(
        r"(^|\.)embeddings\.(\w+_tokens?|position_embeddings|patch_embeddings\.projection\.\w+)$",
        r"\.layer_scale[12]\.lambda1$",
        r"^classifier\.",
    ),
    others={role: (name,) for role, name in _RENAMED.items()},
)

DINOV2_GATED = replace(
    DINOV2,
    name="dinov2_gated",
    model_types=("dinov2", "dinov2_with_registers"),
    layer={role: name for role, name in DINOV2.layer.items() if role.removesuffix("_bias") not in ("up", "down")}
    | {
        **{role: Slot(_IN + "weight", part=(n, 2)) for n, role in enumerate(("gate", "up"))},
        **{f"{role}_bias": Slot(_IN + "bias", part=(n, 2)) for n, role in enumerate(("gate", "up"))},
        **with_bias(down=_AT + "mlp.weights_out"),
    },
    required=(*VIT.required, "gate"),
    others={
        role: (name,)
        for role, name in (
            _RENAMED | with_bias(**{role: f"{_AT}mlp.{role}_proj" for role in ("gate", "up", "down")})
        ).items()
    },
    gated=True,
    odd_in_up=True,
)

_LAYER = "layer.{i}."
_BODY = with_bias(
    **{role: f"{_LAYER}attention.{role}_proj" for role in "qkvo"},
    up=_LAYER + "mlp.up_proj",
    down=_LAYER + "mlp.down_proj",
    norm_attn=_LAYER + "norm1",
    norm_mlp=_LAYER + "norm2",
)

DINOV3 = replace(
    DINOV2,
    name="dinov3",
    model_types=("dinov3_vit",),
    prefixes=("", "model."),
    globals=with_bias(norm_final="norm"),
    layer=_BODY,
    others={},
    outside=(*DINOV2.outside, r"(^|\.)embeddings\.patch_embeddings\.\w+$"),
    positions="rotary",
    rotary="half",
)

DINOV3_GATED = replace(
    DINOV3,
    name="dinov3_gated",
    layer=_BODY | with_bias(gate=_LAYER + "mlp.gate_proj"),
    required=(*VIT.required, "gate"),
    gated=True,
    odd_in_up=True,
)
