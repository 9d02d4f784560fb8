"""Gemma 1 to 3 (text): norm gains stored less 1, GeGLU, tied; from 2 on the sublayers' outputs are normed too.

Gemma 3n norms values as well, has four streams that are mixed by learned numbers, and stores gains as they are.
"""

from ..layout import Family, Slot
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED

_REQUIRED = ("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "gate", "up", "down")
_SANDWICH: dict[str, str | Slot] = {
    "norm_attn_out": "layers.{i}.post_attention_layernorm.weight",
    "norm_mlp": "layers.{i}.pre_feedforward_layernorm.weight",
    "norm_mlp_out": "layers.{i}.post_feedforward_layernorm.weight",
}

GEMMA = Family(
    name="gemma",
    model_types=("gemma",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION | DENSE,
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=_REQUIRED,
    norm_offset=1,
    tied=True,
    rotary="half",
    query_key_norm="none",
    by_names=False,
)

GEMMA3N = Family(
    name="gemma3n",
    model_types=("gemma3n_text",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION | DENSE | _SANDWICH,
    unprefixed=UNEMBED,
    required=(*_REQUIRED, "norm_attn_out", "norm_mlp_out"),
    linear_values=False,  # later layers read the keys and values of an earlier one
    heads_alike=False,  # later layers read the heads of earlier ones
    tied=True,
    by_names=False,
)

GEMMA2 = Family(
    name="gemma2",
    model_types=("gemma2", "gemma3_text"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION | DENSE | _SANDWICH,
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=(*_REQUIRED, "norm_attn_out", "norm_mlp_out"),
    norm_offset=1,
    tied=True,
    rotary="half",
    query_key_norm="none",
)
