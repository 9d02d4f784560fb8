"""Apertus: norms of q and k; an MLP without gate, whose activation has two learned numbers a layer."""

from ..layout import Family
from .llama import ATTENTION, GLOBALS, UNEMBED

APERTUS = Family(
    name="apertus",
    model_types=("apertus", "apertus1p5_text"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | {
        "norm_attn": "layers.{i}.attention_layernorm.weight",
        "norm_mlp": "layers.{i}.feedforward_layernorm.weight",
        "up": "layers.{i}.mlp.up_proj.weight",
        "down": "layers.{i}.mlp.down_proj.weight",
    },
    unprefixed=UNEMBED,
    outside=(r"\.mlp\.act_fn\.\w+$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "up", "down"),
    gated=False,
    odd_in_up=False,
    rotary="half",
    query_key_norm="gain",
)
