"""GPT-NeoX, Pythia: q, k and v of each head in turn; layer norm, GELU, a norm for each of two parallel sublayers."""

from ..layout import Family, fused_qkv, with_bias

GPT_NEOX = Family(
    name="gpt_neox",
    model_types=("gpt_neox", "gpt_neox_japanese"),
    prefixes=("gpt_neox.", "gpt_neox_japanese.", ""),
    globals={"embed": "embed_in.weight", **with_bias(norm_final="final_layer_norm")},
    layer=fused_qkv("layers.{i}.attention.query_key_value", "groups")
    | with_bias(
        o="layers.{i}.attention.dense",
        up="layers.{i}.mlp.dense_h_to_4h",
        down="layers.{i}.mlp.dense_4h_to_h",
        norm_attn="layers.{i}.input_layernorm",
        norm_mlp="layers.{i}.post_attention_layernorm",
    ),
    unprefixed={"unembed": "embed_out.weight"},
    others={
        role + suffix: (f"layers.{{i}}.attention.{role}_proj.{kind}",)
        for role in "qkv"
        for suffix, kind in (("", "weight"), ("_bias", "bias"))
    },
    constants=(r"\.attention\.(masked_)?bias$", r"\.rotary_emb\.inv_freq$"),
    outside=(r"\.attention\.dense_bias$",),
    required=("embed", "q", "o", "up", "down", "norm_attn", "norm_mlp"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    kv_heads=("num_attention_heads",),
    rotary="half",
    query_key_norm="none",
    config={"rotary_pct": 0.25},
)
