"""Pixtral's image tower: Llama's layers under names of Mistral, positions of two axes by rotation."""

from ..layout import Family
from .llama import LLAMA

_AT = "layers.{i}."

PIXTRAL = Family(
    name="pixtral",
    kind="image tower",
    model_types=("pixtral",),
    prefixes=("transformer.",),
    globals={},
    layer={
        **{role: f"{_AT}attention.{role}_proj.weight" for role in "qkvo"},
        **{role: f"{_AT}feed_forward.{role}_proj.weight" for role in ("gate", "up", "down")},
        "norm_attn": _AT + "attention_norm.weight",
        "norm_mlp": _AT + "ffn_norm.weight",
    },
    outside=(r"(^|\.)(ln_pre|patch_conv)\.weight$",),
    required=tuple(role for role in LLAMA.required if role != "embed"),
    by_names=False,
    rotary="half",
    query_key_norm="none",
    section="vision_config",
)
