"""Qwen 1: q, k and v are thirds of one tensor with bias; w2 is the gate, w1 up; the config counts both as one."""

from ..layout import Family, fused_qkv

QWEN = Family(
    name="qwen",
    model_types=("qwen",),
    prefixes=("transformer.", ""),
    globals={"embed": "wte.weight", "norm_final": "ln_f.weight"},
    layer={
        **fused_qkv("h.{i}.attn.c_attn", "equal"),
        "o": "h.{i}.attn.c_proj.weight",
        "norm_attn": "h.{i}.ln_1.weight",
        "norm_mlp": "h.{i}.ln_2.weight",
        "gate": "h.{i}.mlp.w2.weight",
        "up": "h.{i}.mlp.w1.weight",
        "down": "h.{i}.mlp.c_proj.weight",
    },
    unprefixed={"unembed": "lm_head.weight"},
    constants=(r"(^|\.)rotary_emb\.inv_freq$",),
    required=("embed", "q", "o", "norm_attn", "norm_mlp", "gate", "up", "down"),
    other_meaning=("intermediate_size",),
    rotary="half",
    query_key_norm="none",
)
