"""Command R, Command A: attention and gated MLP, or experts, in parallel behind one layer norm without bias; tied."""

from dataclasses import replace

from ..layout import Family
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED
from .qwen2_moe import EXPERTS

COHERE = Family(
    name="cohere",
    model_types=("cohere", "cohere2"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer={role: name for role, name in ATTENTION.items() if role not in ("norm_mlp", "q_norm", "k_norm")} | DENSE,
    unprefixed=UNEMBED,
    outside=(r"\.self_attn\.[qk]_norm\.weight$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "gate", "up", "down"),
    norm="layer",
    by_names=False,
    shared_norm=True,
    tied=True,
    rotary="interleaved",
    query_key_norm="none",
    switches={"use_qk_norm": {"query_key_norm": "layer", "heads_alike": False}},
)

COHERE_MOE = replace(
    COHERE,
    name="cohere_moe",
    model_types=("cohere2_moe",),
    layer=COHERE.layer | EXPERTS | {"router": "layers.{i}.mlp.gate.weight"},
    required=("embed", "q", "k", "v", "o", "norm_attn", "router", "expert_gate"),
    rotary="",
    query_key_norm="unknown",
    heads_alike=False,
)
