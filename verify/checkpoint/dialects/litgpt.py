"""LitGPT: q, k and v in one tensor, all q heads first; before version 0.5, for each kv head its q heads, k and v.

Sources: ``litgpt/config.py``, ``litgpt/scripts/convert_hf_checkpoint.py``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from ..layouts.layout import Slot
from .dialect import Dialect, Names, Settings, fused, modules, renamed

_HUB, _AT = "model.layers.{i}.", "transformer.h.{i}."
_COUNTS = {
    "hidden_size": "n_embd",
    "num_hidden_layers": "n_layer",
    "num_attention_heads": "n_head",
    "num_key_value_heads": "n_query_groups",
    "head_dim": "head_size",
    "intermediate_size": "intermediate_size",
}
_DEFAULTS = {
    "norm_class_name": "LayerNorm",
    "mlp_class_name": "GptNeoxMLP",
    "parallel_residual": True,
    "shared_attention_norm": False,
    "norm_1": True,
    "norm_2": True,
    "rotary_percentage": 0.25,
}
"""What the tool assumes of settings that are left out; of all others, that they are off."""
_OFF = (
    *("post_attention_norm", "post_mlp_norm", "norm_qk", "rope_interleave", "scale_embeddings", "n_expert"),
    *("latent_attention", "attention_logit_softcapping", "final_logit_softcapping", "attention_scores_scalar"),
)
_OLDER = {"_norm_class": "norm_class_name", "_mlp_class": "mlp_class_name"}
_LLAMA = {"norm_class_name": "RMSNorm", "mlp_class_name": "LLaMAMLP", "parallel_residual": False}


def _said(model_type: str, changes: dict[str, Any], settings: Settings) -> dict[str, Any] | None:
    """Settings of a model that differs from the tool's defaults in nothing but ``changes`` and sizes."""
    full = _DEFAULTS | {_OLDER.get(key, key): value for key, value in settings.items() if value is not None}
    sizes = {"rotary_percentage": full["rotary_percentage"]}
    alike = all(full[key] == value for key, value in (_DEFAULTS | changes | sizes).items())
    counts = renamed(full, _COUNTS)
    if not alike or any(full.get(key) for key in _OFF) or counts is None or "Gemma" in str(full.get("name")):
        return None
    return {"model_type": model_type, "rotary_pct": full["rotary_percentage"], **counts}


def _attention(hub: str, parts: str, output: str) -> tuple[Names, dict[str, tuple[str | Slot, ...]]]:
    """Attention as it is, and as it was."""
    roles = [f"{hub}{parts.format(role)}" for role in "qkv"]
    now = fused(f"{_AT}attn.qkv", *roles, order="heads") | modules({f"{hub}{output}": f"{_AT}attn.proj"})
    older = fused(f"{_AT}attn.attn", *roles, order="groups")
    return now, {name: (place,) for name, place in older.items()}


_ATTENTION, _OLDER_ATTENTION = _attention(_HUB, "self_attn.{}_proj", "self_attn.o_proj")
_OUTSIDE = {"model.embed_tokens": "transformer.wte", "model.norm": "transformer.ln_f", "lm_head": "lm_head"}
_NORMS = {f"{_HUB}input_layernorm": f"{_AT}norm_1", f"{_HUB}post_attention_layernorm": f"{_AT}norm_2"}
_MLP = dict(zip(("gate_proj", "up_proj", "down_proj"), ("fc_1", "fc_2", "proj"), strict=True))
_DENSE = modules({f"{_HUB}mlp.{hub}": f"{_AT}mlp.{place}" for hub, place in _MLP.items()})
_HEADS = modules({f"{_HUB}self_attn.{role}_norm": f"{_AT}attn.norm_{role}" for role in "qk"})

LITGPT = Dialect(
    name="litgpt",
    model_types=("llama", "mistral", "qwen2", "qwen3", "phi3", "gemma"),
    names=modules(_OUTSIDE | _NORMS) | _ATTENTION | _DENSE | _HEADS,
    telling=tuple(f"{_HUB}{module}.weight" for module in ("self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj")),
    others=_OLDER_ATTENTION,
    settings=("model_config.yaml", "lit_config.json"),
    said=partial(_said, "llama", _LLAMA),
)

_SANDWICH = {
    f"{_HUB}input_layernorm": f"{_AT}norm_1",
    f"{_HUB}post_attention_layernorm": f"{_AT}post_attention_norm",
    f"{_HUB}pre_feedforward_layernorm": f"{_AT}norm_2",
    f"{_HUB}post_feedforward_layernorm": f"{_AT}post_mlp_norm",
}
LITGPT_GEMMA = replace(
    LITGPT,
    name="litgpt (gemma)",
    model_types=("gemma2",),
    names=modules(_OUTSIDE | _SANDWICH) | _ATTENTION | _DENSE | _HEADS,
    settings=(),
    said=None,
)
_AFTER = {hub: place for hub, place in _SANDWICH.items() if "post_" in place}
LITGPT_OLMO2 = replace(
    LITGPT_GEMMA,
    name="litgpt (olmo2)",
    model_types=("olmo2",),
    names=modules(_OUTSIDE | _AFTER) | _ATTENTION | _DENSE | _HEADS,
)

_EXPERTS = dict(zip(("w1", "w3", "w2"), _MLP.values(), strict=True))
LITGPT_MIXTRAL = replace(
    LITGPT,
    name="litgpt (mixtral)",
    model_types=("mixtral",),
    names=modules(_OUTSIDE | _NORMS)
    | _ATTENTION
    | modules(
        {f"{_HUB}block_sparse_moe.gate": f"{_AT}mlp.gate"}
        | {
            f"{_HUB}block_sparse_moe.experts.{{e}}.{hub}": f"{_AT}mlp.experts.{{e}}.{place}"
            for hub, place in _EXPERTS.items()
        }
    ),
    telling=(*LITGPT.telling[:2], f"{_HUB}block_sparse_moe.experts.{{e}}.w1.weight"),
    settings=(),
    said=None,
)

_NEOX = "gpt_neox.layers.{i}."
_NEOX_ATTENTION, _NEOX_OLDER = _attention(_NEOX, "attention.{}_proj", "attention.dense")
LITGPT_NEOX = replace(
    LITGPT,
    name="litgpt (gpt_neox)",
    model_types=("gpt_neox",),
    names=_NEOX_ATTENTION
    | modules(
        {
            "gpt_neox.embed_in": "transformer.wte",
            "gpt_neox.final_layer_norm": "transformer.ln_f",
            "embed_out": "lm_head",
            f"{_NEOX}input_layernorm": f"{_AT}norm_1",
            f"{_NEOX}post_attention_layernorm": f"{_AT}norm_2",
            f"{_NEOX}mlp.dense_h_to_4h": f"{_AT}mlp.fc",
            f"{_NEOX}mlp.dense_4h_to_h": f"{_AT}mlp.proj",
        }
    ),
    telling=tuple(
        f"{_NEOX}{module}.weight" for module in ("attention.q_proj", "attention.dense", "mlp.dense_h_to_4h")
    ),
    others=_NEOX_OLDER,
    said=partial(_said, "gpt_neox", {}),
)
