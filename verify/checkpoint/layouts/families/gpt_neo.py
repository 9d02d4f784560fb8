"""GPT-Neo: the names of GPT-2 with q, k and v apart and matrices [out, in]; scores are not divided by anything."""

from dataclasses import replace

from ..layout import with_bias
from .gpt2 import GPT2
from .gpt_bigcode import UPRIGHT

_SELF = "h.{i}.attn.attention."

GPT_NEO = replace(
    GPT2,
    name="gpt_neo",
    model_types=("gpt_neo",),
    layer={role: entry for role, entry in UPRIGHT.items() if role.removesuffix("_bias") not in "qkvo"}
    | {role: f"{_SELF}{role}_proj.weight" for role in "qkv"}
    | with_bias(o=_SELF + "out_proj"),
    constants=(r"\.attn\.attention\.(masked_)?bias$",),
    required=("embed", "q", "k", "v", "o", "up", "down", "norm_attn", "norm_mlp"),
    tied=True,
)
