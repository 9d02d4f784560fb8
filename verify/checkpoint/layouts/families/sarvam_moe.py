"""Sarvam MoE, under names of Ling: q, k and v in one tensor, norms of q and k; dense layers, then experts.

Transformers 5 names its parts as Qwen3-MoE does.
"""

from ..layout import Family, Slot, fused_qkv
from .glm4_moe import GLM4_MOE
from .llama import ATTENTION, DENSE, UNEMBED
from .qwen2_moe import EXPERTS, SHARED_EXPERTS

_AT = "layers.{i}.attention."
_FUSED = fused_qkv(_AT + "query_key_value", "heads")
_OTHERS: dict[str, str | Slot] = {
    "o": _AT + "dense.weight",
    "o_bias": _AT + "dense.bias",
    "q_norm": _AT + "query_layernorm.weight",
    "k_norm": _AT + "key_layernorm.weight",
}

SARVAM_MOE = Family(
    name="sarvam_moe",
    model_types=("sarvam_moe",),
    prefixes=("model.", ""),
    globals={"embed": "word_embeddings.weight", "norm_final": "norm.weight"},
    layer=ATTENTION
    | _FUSED
    | _OTHERS
    | DENSE
    | EXPERTS
    | SHARED_EXPERTS
    | {"router": "layers.{i}.mlp.gate.weight", "router_bias": "layers.{i}.mlp.gate.expert_bias"},
    unprefixed=UNEMBED,
    required=GLM4_MOE.required,
    by_names=False,
    others={role: (ATTENTION[role],) for role in (*_FUSED, *_OTHERS)} | {"embed": ("embed_tokens.weight",)},
    rotary="half",
    query_key_norm="gain",
    expert_groups=("n_group",),
)
