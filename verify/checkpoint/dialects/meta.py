"""Llama as Meta publishes it, Mistral as Mistral AI does, and torchtune: rotary planes are adjacent rows.

Meta and Mistral AI keep ``params.json`` beside the weights; torchtune keeps no settings, so ``config.json`` must be
there. Sources: ``llama/model.py`` of meta-llama/llama, ``convert_llama_weights_to_hf.py`` of transformers,
``torchtune/models/convert_weights.py``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .dialect import Dialect, Settings, modules, renamed

_HUB = "model.layers.{i}."
_OUTSIDE = {"model.embed_tokens": "tok_embeddings", "model.norm": "norm", "lm_head": "output"}
_COUNTS = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "num_key_value_heads": "n_kv_heads",
    "head_dim": "head_dim",
    "intermediate_size": "hidden_dim",
}
_WITHOUT_EFFECT = {
    *("vocab_size", "multiple_of", "ffn_dim_multiplier", "norm_eps", "rope_theta", "use_scaled_rope", "rope_scaling"),
    *("max_seq_len", "max_seqlen", "max_position_embeddings", "max_batch_size", "sliding_window", "yarn"),
    *("model_type", "causal", "tied_embeddings", "quantization", "vision_encoder"),
}
"""Settings that change neither names nor the order of rows."""


def _said(settings: Settings) -> dict[str, Any] | None:
    known = {name for name, value in settings.items() if value is not None} <= {*_COUNTS.values(), *_WITHOUT_EFFECT}
    counts = renamed(settings, _COUNTS)
    if not known or counts is None or "num_attention_heads" not in counts:
        return None
    tied = {"tie_word_embeddings": True} if settings.get("tied_embeddings") is True else {}
    return {"model_type": "llama", "num_key_value_heads": counts["num_attention_heads"], **counts, **tied}


META = Dialect(
    name="meta",
    model_types=("llama", "mistral"),
    names=modules(
        _OUTSIDE
        | {f"{_HUB}self_attn.{role}_proj": f"layers.{{i}}.attention.w{role}" for role in "qkvo"}
        | {
            f"{_HUB}mlp.{role}_proj": f"layers.{{i}}.feed_forward.w{n}"
            for role, n in zip(("gate", "down", "up"), "123", strict=True)
        }
        | {
            f"{_HUB}input_layernorm": "layers.{i}.attention_norm",
            f"{_HUB}post_attention_layernorm": "layers.{i}.ffn_norm",
        }
    ),
    telling=(
        f"{_HUB}self_attn.q_proj.weight",
        f"{_HUB}self_attn.k_proj.weight",
        f"{_HUB}mlp.gate_proj.weight",
        "model.embed_tokens.weight",
    ),
    constants=(r"\brope\.freqs$",),
    pairs=True,
    settings=("params.json",),
    said=_said,
)

_NORMS = {
    "model.norm": "norm",
    f"{_HUB}input_layernorm": "layers.{i}.sa_norm",
    f"{_HUB}post_attention_layernorm": "layers.{i}.mlp_norm",
    f"{_HUB}self_attn.q_norm": "layers.{i}.attn.q_norm",
    f"{_HUB}self_attn.k_norm": "layers.{i}.attn.k_norm",
}
TORCHTUNE = replace(
    META,
    name="torchtune",
    names=modules(
        {"model.embed_tokens": "tok_embeddings", "lm_head": "output"}
        | {f"{_HUB}self_attn.{role}_proj": f"layers.{{i}}.attn.{role}_proj" for role in "qkv"}
        | {f"{_HUB}self_attn.o_proj": "layers.{i}.attn.output_proj"}
        | {
            f"{_HUB}mlp.{role}_proj": f"layers.{{i}}.mlp.w{n}"
            for role, n in zip(("gate", "down", "up"), "123", strict=True)
        }
    )
    | {f"{hub}.weight": f"{place}.scale" for hub, place in _NORMS.items()},
    telling=(*META.telling, f"{_HUB}input_layernorm.weight"),
    settings=(),
    said=None,
)

TORCHTUNE_UNPAIRED = replace(TORCHTUNE, name="torchtune (qwen)", model_types=("qwen2", "qwen3"), pairs=False)
