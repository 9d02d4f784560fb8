"""StarCoder 2, Nemotron 3 and 4, Jais 2, Arcee: Llama's attention, MLPs without gates, layer norm (Arcee RMS)."""

from dataclasses import replace

from ..layout import Family, Slot, with_bias
from .llama import BODY, GLOBALS, UNEMBED

_NORMS: dict[str, str | Slot] = with_bias(
    norm_attn="layers.{i}.input_layernorm", norm_mlp="layers.{i}.post_attention_layernorm"
)

STARCODER2 = Family(
    name="starcoder2",
    model_types=("starcoder2",),
    prefixes=("model.", ""),
    globals=GLOBALS | {"norm_final_bias": "norm.bias"},
    layer=BODY | _NORMS | with_bias(up="layers.{i}.mlp.c_fc", down="layers.{i}.mlp.c_proj"),
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "up", "down"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    tied=True,
    rotary="half",
    query_key_norm="none",
)

NEMOTRON = replace(
    STARCODER2,
    name="nemotron",
    model_types=("nemotron", "jais2", "arcee"),
    layer=BODY | _NORMS | with_bias(up="layers.{i}.mlp.up_proj", down="layers.{i}.mlp.down_proj"),
    tied=False,
    by_names=False,
    switches={"model_type=nemotron": {"norm_offset": 1}, "model_type=arcee": {"norm": "rms"}},
)
