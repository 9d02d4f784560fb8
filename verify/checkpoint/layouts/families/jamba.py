"""Jamba, Bamba, Falcon-H1: Mamba in most layers, or beside attention; MLPs as in Llama, in Jamba some of experts."""

from ..layout import Family
from .llama import BODY, UNEMBED

_AT, _EXPERT = "layers.{i}.feed_forward.", "layers.{i}.feed_forward.experts.{e}."
_MLP = ("gate", "up", "down")
_HALF = {"positions": "rotary", "rotary": "half"}

JAMBA = Family(
    name="jamba",
    model_types=("jamba", "bamba", "falcon_h1"),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight", "norm_final": "final_layernorm.weight"},
    layer=BODY
    | {role: f"{_AT}{role}_proj.weight" for role in _MLP}
    | {f"{role}_bias": f"{_AT}{role}_proj.bias" for role in _MLP}
    | {f"expert_{role}": f"{_EXPERT}{role}_proj.weight" for role in _MLP}
    | {
        "router": _AT + "router.weight",
        "norm_attn": "layers.{i}.input_layernorm.weight",
        "norm_mlp": "layers.{i}.pre_ff_layernorm.weight",
    },
    unprefixed=UNEMBED,
    outside=(r"\.mamba\.",),
    required=("embed", "norm_attn", "norm_mlp", "gate", "up", "down"),
    telling=("q", "o"),
    positions="none",
    query_key_norm="none",
    expert_groups=1,
    switches={"model_type=bamba": _HALF, "model_type=falcon_h1": _HALF},
)
