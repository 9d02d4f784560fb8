"""Persimmon, the text part of Fuyu: q, k and v of each head in turn, q and k behind layer norms; squared ReLU."""

from ..layout import Family, fused_qkv, with_bias

_AT = "layers.{i}."

PERSIMMON = Family(
    name="persimmon",
    model_types=("persimmon",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight", **with_bias(norm_final="final_layernorm")},
    layer=fused_qkv(_AT + "self_attn.query_key_value", "groups")
    | with_bias(
        o=_AT + "self_attn.dense",
        up=_AT + "mlp.dense_h_to_4h",
        down=_AT + "mlp.dense_4h_to_h",
        norm_attn=_AT + "input_layernorm",
        norm_mlp=_AT + "post_attention_layernorm",
    ),
    unprefixed={"unembed": "lm_head.weight"},
    constants=(r"\.rotary_emb\.inv_freq$",),
    outside=(r"\.self_attn\.[qk]_layernorm\.",),
    required=("embed", "q", "o", "norm_attn", "norm_mlp", "up", "down"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    query_key_norm="layer",
    rotary="half",
    kv_heads=("num_attention_heads",),
    config={"partial_rotary_factor": 0.5},
)
