"""LFM2 and 3: Llama's parts under other names, convolutions in most layers, some MLPs of experts.

The model adjusts the units of its MLPs when it is built. LFM3 gates the output of each head.
"""

from dataclasses import replace

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
    outside=(r"\.conv\.(conv|in_proj|out_proj)\.(weight|bias)$",),
    required=("embed", "norm_attn", "norm_mlp", "gate", "up", "down"),
    telling=("q", "o"),
    tied=True,
    other_meaning=("intermediate_size",),
    rotary="half",
    query_key_norm="gain",
)

_EXPERT = _AT + "feed_forward.experts.{e}."

LFM2_MOE = replace(
    LFM2,
    name="lfm2_moe",
    model_types=("lfm2_moe",),
    layer=LFM2.layer
    | {
        "router": _AT + "feed_forward.gate.weight",
        "router_bias": _AT + "feed_forward.expert_bias",
        "expert_gate": _EXPERT + "w1.weight",
        "expert_up": _EXPERT + "w3.weight",
        "expert_down": _EXPERT + "w2.weight",
    },
    required=("embed", "norm_attn", "norm_mlp", "expert_gate"),
    expert_groups=1,
)

LFM3 = replace(
    LFM2,
    name="lfm3",
    model_types=("lfm3",),
    layer=LFM2.layer
    | {
        "o": _AT + "self_attn.o_proj.weight",
        "q_norm": _AT + "self_attn.q_norm.weight",
        "k_norm": _AT + "self_attn.k_norm.weight",
        "norm_attn_out": _AT + "post_operator_norm.weight",
        "norm_mlp_out": _AT + "post_ffn_norm.weight",
    },
    outside=(*LFM2.outside, r"\.self_attn\.gate_proj\.weight$"),
    required=(*LFM2.required, "norm_attn_out"),
)
