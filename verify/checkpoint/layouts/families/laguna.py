"""Laguna: a gate for each head, or for each value channel; dense layers, then routed experts and a shared one."""

from dataclasses import replace

from .qwen3_moe import QWEN3_MOE

LAGUNA = replace(
    QWEN3_MOE,
    name="laguna",
    model_types=("laguna",),
    layer=QWEN3_MOE.layer | {"router_bias": "layers.{i}.mlp.experts.e_score_correction_bias"},
    outside=(r"\.self_attn\.g_proj\.weight$",),
    by_names=False,
    positions="unknown",
    rotary="",
    query_key_norm="unknown",
    others={},
    switches={},
)
