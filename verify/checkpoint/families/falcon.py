"""Falcon 7B: query heads, then one k, one v; attention and MLP in parallel behind one layer norm; GELU."""

from ..layout import Family, Slot, fused_qkv, with_bias

GLOBALS: dict[str, str | Slot] = {"embed": "word_embeddings.weight", **with_bias(norm_final="ln_f")}
BLOCK = with_bias(
    o="h.{i}.self_attention.dense",
    up="h.{i}.mlp.dense_h_to_4h",
    down="h.{i}.mlp.dense_4h_to_h",
    norm_attn="h.{i}.input_layernorm",
)

FALCON = Family(
    name="falcon",
    model_types=("falcon", "RefinedWebModel"),
    prefixes=("transformer.", ""),
    globals=GLOBALS,
    layer=fused_qkv("h.{i}.self_attention.query_key_value", "heads") | BLOCK,
    unprefixed={"unembed": "lm_head.weight"},
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "o", "up", "down", "norm_attn"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    shared_norm=True,
    tied=True,
    kv_heads=1,
    by_names=False,
)
