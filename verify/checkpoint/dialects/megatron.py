"""Megatron-LM, Megatron Core, NeMo: q, k and v for each kv head, gate before up, a norm inside what it feeds.

All layers may lie in one tensor, along its first axis, as the distributed checkpoints of Megatron Core keep them.
Sources: ``megatron/core/models/gpt``, ``tools/checkpoint/loader_llama_mistral.py``. Settings: those of NeMo.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..layouts.layout import Slot
from .dialect import Dialect, Names, Settings, fused, modules, renamed

_HUB, _AT = "model.layers.{i}.", "decoder.layers.{i}."
_COUNTS = {
    "hidden_size": "hidden_size",
    "num_hidden_layers": "num_layers",
    "num_attention_heads": "num_attention_heads",
    "num_key_value_heads": "num_query_groups",
    "head_dim": "kv_channels",
    "intermediate_size": "ffn_hidden_size",
}
_EXPECTED = {
    "normalization": ("rmsnorm", "RMSNorm"),
    "activation": ("fast-swiglu", "swiglu"),
    "position_embedding_type": ("rope",),
    "rotary_percentage": (1.0,),
    "rotary_interleaved": (False, None),
    "layernorm_zero_centered_gamma": (False, None),
    "num_moe_experts": (0, 1, None),
    "transformer_block_type": ("pre_ln", None),
    "qk_layernorm": (False, None),
}


def _said(settings: Settings) -> dict[str, Any] | None:
    counts = renamed(settings, _COUNTS)
    alike = all(settings.get(key) in allowed for key, allowed in _EXPECTED.items())
    if not alike or counts is None or "num_attention_heads" not in counts:
        return None
    tied = settings.get("share_embeddings_and_output_weights") is True
    kv_heads = {"num_key_value_heads": counts["num_attention_heads"]}
    return {"model_type": "llama", "tie_word_embeddings": tied, **kv_heads, **counts}


def _attention(place: str) -> Names:
    return fused(place, *(f"{_HUB}self_attn.{role}_proj" for role in "qkv"), order="groups")


def _norm(hub: str, place: str) -> Names:
    """A norm that is kept in the linear module behind it."""
    return {f"{hub}.{kind}": f"{place}.layer_norm_{kind}" for kind in ("weight", "bias")}


_GATED = (f"{_HUB}mlp.gate_proj", f"{_HUB}mlp.up_proj")
_ALONE: dict[str, tuple[str | Slot, ...]] = {
    name: (place,)
    for name, place in modules(
        {
            f"{_HUB}input_layernorm": f"{_AT}input_layernorm",
            f"{_HUB}post_attention_layernorm": f"{_AT}pre_mlp_layernorm",
        }
    ).items()
}
"""Norms that are modules of their own, without Transformer Engine."""

MEGATRON = Dialect(
    name="megatron",
    model_types=("llama", "mistral", "qwen2", "qwen3"),
    names={
        **modules(
            {
                "model.embed_tokens": "embedding.word_embeddings",
                "model.norm": "decoder.final_layernorm",
                "lm_head": "output_layer",
                f"{_HUB}self_attn.o_proj": f"{_AT}self_attention.linear_proj",
                f"{_HUB}self_attn.q_norm": f"{_AT}self_attention.q_layernorm",
                f"{_HUB}self_attn.k_norm": f"{_AT}self_attention.k_layernorm",
                f"{_HUB}mlp.down_proj": f"{_AT}mlp.linear_fc2",
            }
        ),
        **_attention(f"{_AT}self_attention.linear_qkv"),
        **fused(f"{_AT}mlp.linear_fc1", *_GATED),
        **_norm(f"{_HUB}input_layernorm", f"{_AT}self_attention.linear_qkv"),
        **_norm(f"{_HUB}post_attention_layernorm", f"{_AT}mlp.linear_fc1"),
    },
    telling=(
        f"{_HUB}self_attn.q_proj.weight",
        f"{_HUB}self_attn.o_proj.weight",
        f"{_HUB}mlp.gate_proj.weight",
        f"{_HUB}input_layernorm.weight",
    ),
    others=_ALONE,
    in_one=True,
    constants=(r"\._extra_state$", r"\._extra_state/"),
    settings=("model_config.yaml",),
    said=_said,
)

_OLD = "language_model.encoder.layers.{i}."
MEGATRON_LEGACY = replace(
    MEGATRON,
    name="megatron (legacy)",
    names={
        **modules(
            {
                "model.embed_tokens": "language_model.embedding.word_embeddings",
                "model.norm": "language_model.encoder.final_norm",
                "lm_head": "language_model.output_layer",
                f"{_HUB}self_attn.o_proj": f"{_OLD}self_attention.dense",
                f"{_HUB}mlp.down_proj": f"{_OLD}mlp.dense_4h_to_h",
                f"{_HUB}input_layernorm": f"{_OLD}input_norm",
                f"{_HUB}post_attention_layernorm": f"{_OLD}post_attention_norm",
            }
        ),
        **_attention(f"{_OLD}self_attention.query_key_value"),
        **fused(f"{_OLD}mlp.dense_h_to_4h", *_GATED),
    },
    others={
        name: (place,)
        for name, place in modules(
            {
                "model.norm": "language_model.encoder.final_layernorm",
                f"{_HUB}input_layernorm": f"{_OLD}input_layernorm",
                f"{_HUB}post_attention_layernorm": f"{_OLD}post_attention_layernorm",
            }
        ).items()
    },
)
