"""ESM C, UltraBERT: encoders under Llama's names, with layer norms; ESM C norms all heads of q together, and of k."""

from dataclasses import replace

from ..layout import with_bias
from .llama import LLAMA

ESMC = replace(
    LLAMA,
    name="esmc",
    kind="text encoder",
    model_types=("esmc", "ultrabert"),
    prefixes=("model.", "esmc.", "ultrabert.", ""),
    layer=LLAMA.layer
    | with_bias(norm_attn="layers.{i}.input_layernorm", norm_mlp="layers.{i}.post_attention_layernorm"),
    unprefixed={},
    outside=(r"^(lm_head|head)\.", r"^cls\.weight$"),
    others={},
    norm="layer",
    by_names=False,
    tied=True,
    rotary="",
    query_key_norm="unknown",
    heads_alike=False,
    switches={},
)
