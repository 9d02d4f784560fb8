"""LFM2: Llama's parts under other names; the model adjusts the units of its MLPs when it is built."""

from ..layout import Family
from .llama import UNEMBED

_AT = "layers.{i}."

LFM2 = Family(
    name="lfm2",
    model_types=("lfm2",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight", "norm_final": "embedding_norm.weight"},
    layer={
        **{role: f"{_AT}self_attn.{role}_proj.weight" for role in "qkv"},
        "o": _AT + "self_attn.out_proj.weight",
        "q_norm": _AT + "self_attn.q_layernorm.weight",
        "k_norm": _AT + "self_attn.k_layernorm.weight",
        "norm_attn": _AT + "operator_norm.weight",
        "norm_mlp": _AT + "ffn_norm.weight",
        "gate": _AT + "feed_forward.w1.weight",
        "up": _AT + "feed_forward.w3.weight",
        "down": _AT + "feed_forward.w2.weight",
    },
    unprefixed=UNEMBED,
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "gate", "up", "down"),
    tied=True,
    other_meaning=("intermediate_size",),
    rotary="half",
    query_key_norm="gain",
)
