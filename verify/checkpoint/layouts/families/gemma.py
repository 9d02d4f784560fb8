"""Gemma 1 to 3 (text): norm gains stored less 1, GeGLU, tied; from 2 on the sublayers' outputs are normed too.

Gemma 3n norms values as well, has four streams that are mixed by learned numbers, and stores gains as they are. So
does Gemma 4, whose layers of full attention have larger heads, and perhaps keys that are values too.
"""

from dataclasses import replace

from ..layout import Family, Slot
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED

_REQUIRED = ("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "gate", "up", "down")
_SANDWICH: dict[str, str | Slot] = {
    "norm_attn_out": "layers.{i}.post_attention_layernorm.weight",
    "norm_mlp": "layers.{i}.pre_feedforward_layernorm.weight",
    "norm_mlp_out": "layers.{i}.post_feedforward_layernorm.weight",
}

_PER_LAYER = (
    r"(^|\.)(embed_tokens_per_layer|per_layer_model_projection|per_layer_projection_norm)\.weight$",
    r"\.(per_layer_input_gate|per_layer_projection|post_per_layer_input_norm)\.weight$",
)

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
    outside=(*_PER_LAYER, r"\.(altup|laurel)\.", r"(^|\.)altup_(unembed_)?projections\."),
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

_SOURCES = {"linear_values": False, "heads_alike": False, "query_key_norm": "unknown"}
"""Where later layers read the keys and values of earlier ones."""

GEMMA4 = replace(
    GEMMA2,
    name="gemma4",
    model_types=("gemma4_text", "gemma4_unified_text"),
    layer=GEMMA2.layer
    | {
        "router": "layers.{i}.router.proj.weight",
        "expert_gate": Slot("layers.{i}.experts.gate_up_proj", part=(0, 2), stacked=True),
        "expert_up": Slot("layers.{i}.experts.gate_up_proj", part=(1, 2), stacked=True),
        "expert_down": Slot("layers.{i}.experts.down_proj", stacked=True),
    },
    outside=(
        *_PER_LAYER,
        r"\.(layer_scalar|router\.(scale|per_expert_scale))$",
        r"\.(pre|post)_feedforward_layernorm_[12]\.weight$",
    ),
    others={  # experts one by one
        "expert_gate": (Slot("layers.{i}.experts.{e}.gate_up_proj", part=(0, 2)),),
        "expert_up": (Slot("layers.{i}.experts.{e}.gate_up_proj", part=(1, 2)),),
        "expert_down": ("layers.{i}.experts.{e}.down_proj",),
    },
    norm_offset=0,
    by_names=False,
    uneven=True,
    rotary="",
    query_key_norm="unknown",
    switches={"num_kv_shared_layers": _SOURCES},
)

VAULTGEMMA = replace(
    GEMMA2,
    name="vaultgemma",
    model_types=("vaultgemma",),
    layer=ATTENTION | DENSE | {"norm_mlp": "layers.{i}.pre_feedforward_layernorm.weight"},
    required=_REQUIRED,
    by_names=False,
)
