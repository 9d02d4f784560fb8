"""RWKV 4: MLPs of squared ReLU, whose output is gated by dimension; time mixing in place of attention.

Shares of earlier tokens begin as functions of a dimension's index, so dimensions of the stream are not alike.
"""

from ..layout import Family, with_bias

_AT = "blocks.{i}."

RWKV = Family(
    name="rwkv",
    model_types=("rwkv",),
    prefixes=("rwkv.", ""),
    globals={"embed": "embeddings.weight", **with_bias(norm_final="ln_out")},
    layer={
        "up": _AT + "feed_forward.key.weight",
        "down": _AT + "feed_forward.value.weight",
        **with_bias(norm_attn=_AT + "ln1", norm_mlp=_AT + "ln2"),
    },
    unprefixed={"unembed": "head.weight"},
    outside=(r"\.pre_ln\.", r"\.attention\.", r"\.feed_forward\.(receptance\.weight|time_mix_\w+)$"),
    required=("embed", "up", "down", "norm_mlp"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    attention="unknown",
    positions="unknown",
)
