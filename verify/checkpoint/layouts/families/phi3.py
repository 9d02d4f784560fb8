"""Phi-3: Llama with q, k and v in one tensor, stacked by heads, and gate and up in another."""

from ..layout import Family, Slot, fused_qkv
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED

PHI3 = Family(
    name="phi3",
    model_types=("phi3", "phi4_multimodal"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer={
        **fused_qkv("layers.{i}.self_attn.qkv_proj", "heads", bias=False),
        "o": "layers.{i}.self_attn.o_proj.weight",
        "norm_attn": "layers.{i}.input_layernorm.weight",
        "norm_mlp": "layers.{i}.post_attention_layernorm.weight",
        "gate": Slot("layers.{i}.mlp.gate_up_proj.weight", part=(0, 2)),
        "up": Slot("layers.{i}.mlp.gate_up_proj.weight", part=(1, 2)),
        "down": "layers.{i}.mlp.down_proj.weight",
    },
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "o", "norm_attn", "norm_mlp", "gate", "down"),
    others={role: ((ATTENTION | DENSE)[role],) for role in ("q", "k", "v", "gate", "up")},
    rotary="half",
    query_key_norm="none",
)
