"""Jamba, Bamba, Falcon-H1: Mamba 1 or 2 in most layers, or beside attention; MLPs as in Llama, some of experts."""

from dataclasses import replace

from ..layout import Family
from ..state_space import mamba1, mamba2, without_role
from .llama import BODY, UNEMBED

_AT, _EXPERT = "layers.{i}.feed_forward.", "layers.{i}.feed_forward.experts.{e}."
_MLP = ("gate", "up", "down")
_MAMBA = "layers.{i}.mamba."

JAMBA = Family(
    name="jamba",
    model_types=("jamba",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight", "norm_final": "final_layernorm.weight"},
    layer=BODY
    | {role: f"{_AT}{role}_proj.weight" for role in _MLP}
    | {f"{role}_bias": f"{_AT}{role}_proj.bias" for role in _MLP}
    | {f"expert_{role}": f"{_EXPERT}{role}_proj.weight" for role in _MLP}
    | mamba1(_MAMBA)
    | {
        "router": _AT + "router.weight",
        "norm_attn": "layers.{i}.input_layernorm.weight",
        "norm_mlp": "layers.{i}.pre_ff_layernorm.weight",
    },
    unprefixed=UNEMBED,
    outside=(without_role("mamba"),),
    required=("embed", "norm_attn", "norm_mlp", "gate", "up", "down"),
    telling=("q", "o"),
    positions="none",
    query_key_norm="none",
    expert_groups=1,
)

BAMBA = replace(
    JAMBA,
    name="bamba",
    model_types=("bamba", "falcon_h1"),
    layer=JAMBA.layer | mamba2(_MAMBA),
    positions="rotary",
    rotary="half",
)
