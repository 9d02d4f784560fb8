"""OLMo 1 and 2: names of Llama; 1 has layer norms without weights, 2 norms what the sublayers add to the stream.

Some of 1 clip q, k and v: each channel by itself and alike on both sides, so channels keep their symmetries.
"""

from ..layout import Family, Slot
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED

_ATTENTION = {role: name for role, name in ATTENTION.items() if not role.startswith("norm_")}
_PLAIN = {role: name for role, name in _ATTENTION.items() if role not in ("q_norm", "k_norm")}
_OUTPUTS: dict[str, str | Slot] = {
    "norm_attn_out": "layers.{i}.post_attention_layernorm.weight",
    "norm_mlp_out": "layers.{i}.post_feedforward_layernorm.weight",
}
_REQUIRED = ("embed", "q", "k", "v", "o", "gate", "up", "down")

OLMO = Family(
    name="olmo",
    model_types=("olmo",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight"},
    layer=_PLAIN | DENSE,
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=_REQUIRED,
    norm="layer",
    by_names=False,
    rotary="half",
    query_key_norm="none",
)

OLMO2 = Family(
    name="olmo2",
    model_types=("olmo2",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=_ATTENTION | DENSE | _OUTPUTS,
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=(*_REQUIRED, "q_norm", "k_norm", "norm_attn_out", "norm_mlp_out"),
    post_norm=True,
    rotary="half",
    query_key_norm="gain",
)
