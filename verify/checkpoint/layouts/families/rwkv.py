"""RWKV 4 to 7: MLPs of squared ReLU; time mixing in place of attention. Names of the Hub, of the authors, and of fla.

Up to RWKV 6 the output of an MLP is gated by dimension. Nothing but the order of hidden units is assumed: shares of
earlier tokens begin as functions of a dimension's index, and decays and bonuses as functions of a channel's, so
neither dimensions of the stream nor channels of keys are alike. From RWKV 5 on values pass a layer norm of each head,
which keeps their order and not their signs; in RWKV 7 they are mixed with those of the first layer, so that all
layers have one order.
"""

from dataclasses import replace

from ..layout import Family, with_bias
from .llama import UNEMBED

_AT = "blocks.{i}."

RWKV = Family(
    name="rwkv",
    model_types=("rwkv", "rwkv5", "rwkv6"),
    prefixes=("rwkv.", ""),
    globals={"embed": "embeddings.weight", **with_bias(norm_final="ln_out")},
    layer={
        "up": _AT + "feed_forward.key.weight",
        "down": _AT + "feed_forward.value.weight",
        **with_bias(norm_attn=_AT + "ln1", norm_mlp=_AT + "ln2"),
    },
    unprefixed={"unembed": "head.weight"},
    outside=(r"\.pre_ln\.", r"\.attention\.", r"\.feed_forward\.(receptance\.weight|time_(mix|maa)_\w+)$"),
    required=("embed", "up", "down", "norm_mlp"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    attention="unknown",
    positions="unknown",
)

RWKV_ORIGINAL = replace(
    RWKV,
    name="rwkv_original",
    model_types=(),
    prefixes=("",),
    globals={"embed": "emb.weight", **with_bias(norm_final="ln_out")},
    layer=RWKV.layer | {"up": _AT + "ffn.key.weight", "down": _AT + "ffn.value.weight"},
    outside=(r"\.ln0\.", r"\.att\.", r"\.ffn\.(receptance\.weight|time_(mix|maa)_\w+|x_k)$"),
)

RWKV_FLA = replace(
    RWKV,
    name="rwkv_fla",
    model_types=("rwkv6", "rwkv7"),
    prefixes=("model.", ""),
    globals={"embed": "embeddings.weight", **with_bias(norm_final="norm")},
    layer={
        "up": "layers.{i}.ffn.key.weight",
        "down": "layers.{i}.ffn.value.weight",
        **with_bias(norm_attn="layers.{i}.attn_norm", norm_mlp="layers.{i}.ffn_norm"),
    },
    unprefixed=UNEMBED,
    outside=(r"\.pre_norm\.", r"\.attn\.", r"\.ffn\.(receptance\.(mu|linear\.weight)|key\.mu|x_k)$"),
    others={"up": ("layers.{i}.ffn.key.linear.weight",)},
)
