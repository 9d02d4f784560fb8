"""OLMo-core: blocks as of Llama, or with norms of what the sublayers add, as of OLMo 2.

Source: ``olmo_core/nn/hf/convert.py``; ``config.json`` is of the whole run and has no ``model_type``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .dialect import Dialect, Settings, modules, renamed

_HUB, _AT = "model.layers.{i}.", "blocks.{i}."
_ANYTHING: tuple[Any, ...] = ()
_OFF = (False, None)
_MODEL: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("d_model", "vocab_size", "n_layers", "block", "lm_head", "dtype", "_CLASS_"), _ANYTHING),
    **dict.fromkeys(("init_method", "init_seed", "init_std", "tie_word_embeddings"), _ANYTHING),
    "name": ("default",),
}
_BLOCK: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("sequence_mixer", "attention", "layer_norm", "feed_forward", "_CLASS_"), _ANYTHING),
    "name": ("default", "reordered_norm"),
}
_ATTENTION: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("n_heads", "n_kv_heads", "head_dim", "rope", "qk_norm", "dtype", "_CLASS_"), _ANYTHING),
    **dict.fromkeys(("backend", "use_flash", "sliding_window"), _ANYTHING),
    "name": ("default",),
    "type": ("attention",),
    **dict.fromkeys(("bias", "scalable_softmax", "attention_sinks", "use_head_qk_norm", "gate", "clip_qkv"), _OFF),
}
_ROPE: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("theta", "full_precision", "scaling", "_CLASS_"), _ANYTHING),
    "name": ("default",),
    "no_global_rope": _OFF,
    "partial_rotary_factor": (1.0, 1),
}
_NORM: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("eps", "dtype", "full_precision", "_CLASS_"), _ANYTHING),
    "name": ("rms", "fused_rms"),
    "bias": _OFF,
}
_MLP: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("hidden_size", "dtype", "_CLASS_"), _ANYTHING),
    "name": ("default",),
    "bias": _OFF,
    "activation": ("silu",),
}
_COUNTS = {
    "hidden_size": "d_model",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "num_key_value_heads": "n_kv_heads",
    "head_dim": "head_dim",
    "intermediate_size": "hidden_size",
}


def _known(settings: Any, allowed: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Settings, if all are known and each has one of the values allowed, where none says any; else none."""
    known = isinstance(settings, dict) and all(
        key in allowed and (allowed[key] == _ANYTHING or value in allowed[key]) for key, value in settings.items()
    )
    return settings if known else {}


def _said(model_type: str, settings: Settings) -> dict[str, Any] | None:
    model = _known(settings.get("model"), _MODEL)
    block = _known(model.get("block"), _BLOCK)
    attention = _known(block.get("sequence_mixer", block.get("attention")), _ATTENTION)
    mlp = _known(block.get("feed_forward"), _MLP)
    counts = renamed({**mlp, **attention, **model}, _COUNTS)
    if not (mlp and _known(attention.get("rope"), _ROPE) and _known(block.get("layer_norm"), _NORM) and counts):
        return None
    after, normed = block.get("name") == "reordered_norm", attention.get("qk_norm") is not None
    if {after, normed} != {model_type == "olmo2"} or "num_attention_heads" not in counts:
        return None
    tied = model.get("tie_word_embeddings") is True
    kv_heads = {"num_key_value_heads": counts["num_attention_heads"]}
    return {"model_type": model_type, "tie_word_embeddings": tied, **kv_heads, **counts}


_SHARED = {
    "model.embed_tokens": "embeddings",
    "model.norm": "lm_head.norm",
    "lm_head": "lm_head.w_out",
    f"{_HUB}self_attn.o_proj": f"{_AT}attention.w_out",
    f"{_HUB}self_attn.q_norm": f"{_AT}attention.q_norm",
    f"{_HUB}self_attn.k_norm": f"{_AT}attention.k_norm",
    **{f"{_HUB}self_attn.{role}_proj": f"{_AT}attention.w_{role}" for role in "qkv"},
    **{
        f"{_HUB}mlp.{role}_proj": f"{_AT}feed_forward.w{n}"
        for role, n in zip(("gate", "down", "up"), "123", strict=True)
    },
}

OLMO_CORE = Dialect(
    name="olmo-core",
    model_types=("llama", "qwen3"),
    names=modules(
        {
            **_SHARED,
            f"{_HUB}input_layernorm": f"{_AT}attention_norm",
            f"{_HUB}post_attention_layernorm": f"{_AT}feed_forward_norm",
        }
    ),
    telling=(
        f"{_HUB}self_attn.q_proj.weight",
        f"{_HUB}self_attn.o_proj.weight",
        f"{_HUB}mlp.gate_proj.weight",
        "model.embed_tokens.weight",
    ),
    settings=("config.json",),
    said=partial(_said, "llama"),
)

OLMO_CORE_AFTER = replace(
    OLMO_CORE,
    name="olmo-core (olmo2)",
    model_types=("olmo2", "olmo3"),
    names=modules(
        {
            **_SHARED,
            f"{_HUB}post_attention_layernorm": f"{_AT}attention_norm",
            f"{_HUB}post_feedforward_layernorm": f"{_AT}feed_forward_norm",
        }
    ),
    said=partial(_said, "olmo2"),
)
