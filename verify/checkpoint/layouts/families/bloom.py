"""BLOOM: q, k and v of each head in turn; layer norm, also of the embeddings; GELU, ALiBi, tied."""

from ..layout import Family, fused_qkv, with_bias
from .falcon import BLOCK, GLOBALS

BLOOM = Family(
    name="bloom",
    model_types=("bloom",),
    prefixes=("transformer.", ""),
    globals=GLOBALS | with_bias(norm_embed="word_embeddings_layernorm"),
    layer=fused_qkv("h.{i}.self_attention.query_key_value", "groups")
    | BLOCK
    | with_bias(norm_mlp="h.{i}.post_attention_layernorm"),
    unprefixed={"unembed": "lm_head.weight"},
    required=("embed", "q", "o", "up", "down", "norm_attn", "norm_mlp", "norm_embed"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="none",
    query_key_norm="none",
    tied=True,
    kv_heads=("num_attention_heads", "n_head"),
)
