"""MPT: q, k and v are thirds of one tensor, and clipped in some; layer norm, GELU, ALiBi, tied, mostly no biases."""

from ..layout import Family, fused_qkv, with_bias

MPT = Family(
    name="mpt",
    model_types=("mpt",),
    prefixes=("transformer.", ""),
    globals={"embed": "wte.weight", **with_bias(norm_final="norm_f")},
    layer=fused_qkv("blocks.{i}.attn.Wqkv", "equal")
    | with_bias(
        o="blocks.{i}.attn.out_proj",
        up="blocks.{i}.ffn.up_proj",
        down="blocks.{i}.ffn.down_proj",
        norm_attn="blocks.{i}.norm_1",
        norm_mlp="blocks.{i}.norm_2",
    ),
    unprefixed={"unembed": "lm_head.weight"},
    required=("embed", "q", "o", "up", "down", "norm_attn", "norm_mlp"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="none",
    tied=True,
    query_key_norm="none",
    switches={"attn_config.qk_ln": {"query_key_norm": "layer"}, "attn_config.rope": {"positions": "rotary"}},
)
