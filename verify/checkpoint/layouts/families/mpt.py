"""MPT: q, k and v are thirds of one tensor; layer norm, GELU, ALiBi, tied, as a rule without biases."""

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
    switches={"attn_config.clip_qkv": {"linear_values": False}},
)
