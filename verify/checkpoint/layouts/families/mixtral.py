"""Mixtral, MiniMax, Phi-3.5-MoE: Llama's attention; routed experts alone, whose w1 is the gate, w3 up and w2 down.

Phi-3.5-MoE has layer norms. MiniMax-01 has linear attention in most layers; M2 norms all heads of q together, and of
k.
"""

from dataclasses import replace

from ..layout import Family, with_bias
from .llama import ATTENTION, GLOBALS, UNEMBED

_EXPERT = "layers.{i}.block_sparse_moe.experts.{e}."

MIXTRAL = Family(
    name="mixtral",
    model_types=("mixtral", "minimax", "minimax_m2"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | {
        "router": "layers.{i}.block_sparse_moe.gate.weight",
        "router_bias": "layers.{i}.block_sparse_moe.e_score_correction_bias",
        "expert_gate": _EXPERT + "w1.weight",
        "expert_up": _EXPERT + "w3.weight",
        "expert_down": _EXPERT + "w2.weight",
    },
    unprefixed=UNEMBED,
    constants=(
        r"\.rotary_emb\.inv_freq$",
        r"\.self_attn\.((diagonal|key|query)_decay|slope_rate)$",
    ),
    outside=(r"\.self_attn\.(norm|out_proj|output_gate|qkv_proj)\.weight$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate"),
    rotary="half",
    query_key_norm="none",
    expert_groups=1,
)

PHIMOE = replace(
    MIXTRAL,
    name="phimoe",
    model_types=("phimoe",),
    globals=GLOBALS | {"norm_final_bias": "norm.bias"},
    layer=MIXTRAL.layer
    | with_bias(norm_attn="layers.{i}.input_layernorm", norm_mlp="layers.{i}.post_attention_layernorm"),
    unprefixed=with_bias(unembed="lm_head"),
    norm="layer",
    by_names=False,
)
