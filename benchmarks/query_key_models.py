"""Models of the types in the family tables that Transformers builds, at toy width, with random weights throughout."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

_SIZES: dict[str, Any] = {
    **dict.fromkeys(("hidden_size", "d_model", "n_embd", "dim", "word_embed_proj_dim"), 64),
    **dict.fromkeys(("num_attention_heads", "n_head", "n_heads", "num_heads"), 4),
    **dict.fromkeys(("num_key_value_heads", "num_kv_heads"), 2),
    **dict.fromkeys(("head_dim", "d_kv"), 16),
    **dict.fromkeys(("intermediate_size", "ffn_dim", "d_ff", "n_inner", "hidden_dim", "intermediate_size_mlp"), 96),
    **dict.fromkeys(("moe_intermediate_size", "shared_expert_intermediate_size"), 48),
    **dict.fromkeys(("num_hidden_layers", "n_layer", "n_layers", "num_layers", "num_decoder_layers"), 2),
    **dict.fromkeys(("num_experts", "n_routed_experts", "num_local_experts"), 4),
    **dict.fromkeys(("num_experts_per_tok", "n_group", "topk_group"), 2),
    **dict.fromkeys(("max_position_embeddings", "n_positions", "max_seq_len"), 64),
    **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 1),
    **dict.fromkeys(("q_lora_rank", "kv_lora_rank"), 24),
    **dict.fromkeys(("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"), 8),
    "vocab_size": 120,
    "embedding_size": 32,
    "rotary_dim": 8,
    "first_k_dense_replace": 1,
    "image_size": 16,
    "patch_size": 4,
}
_TOKENS = 16
_EXACT: dict[str, Any] = {"dtype": torch.float64, "attn_implementation": "eager", "experts_implementation": "eager"}
_BASES: dict[str, Any] = {"original_max_position_embeddings": 32, "rope_theta": 1e4}
_LONG: dict[str, Any] = {"rope_type": "longrope", "rope_theta": 1e4, "original_max_position_embeddings": 8}
_LONG |= {"short_factor": [1 + i / 8 for i in range(8)], "long_factor": [2.0 + i for i in range(8)]}
_NUMBERS = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "factor": 4.0}


@dataclass(frozen=True)
class Model:
    """A model type, the class that holds its weights, and entries of its configuration."""

    type: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    holder: str = "AutoModelForCausalLM"
    clipped: bool = False
    """Whether q, k and v are clipped."""


def _plain(*types: str, holder: str = "AutoModelForCausalLM") -> dict[str, Model]:
    return {name: Model(name, holder=holder) for name in types}


MODELS: dict[str, Model] = {
    **_plain("llama", "mistral", "qwen2", "qwen3", "qwen2_moe", "qwen3_moe", "mixtral", "gemma", "gemma2"),
    "llama, biases": Model("llama", {"attention_bias": True}),
    "llama, llama3": Model("llama", {"rope_parameters": _BASES | _NUMBERS | {"rope_type": "llama3"}}),
    "qwen2, YaRN": Model("qwen2", {"rope_parameters": _BASES | {"rope_type": "yarn", "factor": 4.0}}),
    "mistral, NTK": Model("mistral", {"rope_parameters": _BASES | {"rope_type": "dynamic", "factor": 4.0}}),
    "gemma3_text, two bases": Model("gemma3_text", {"layer_types": ["sliding_attention", "full_attention"]}),
    "gemma3n_text": Model(
        "gemma3n_text",
        {"num_kv_shared_layers": 0, "layer_types": ["sliding_attention", "full_attention"]}
        | {"vocab_size_per_layer_input": 120, "hidden_size_per_layer_input": 8, "laurel_rank": 8}
        | {"activation_sparsity_pattern": [0.0, 0.0]},
    ),
    **_plain("gpt_oss", "glm", "glm4", "glm4_moe", "gpt_neox", "gptj", "phi3", "olmo", "olmo2", "bloom"),
    "glm4_moe, norms": Model("glm4_moe", {"use_qk_norm": True, "attention_bias": True}),
    "gpt_neox, all channels": Model("gpt_neox", {"rotary_pct": 1.0}),
    "phi3, three quarters": Model("phi3", {"partial_rotary_factor": 0.75}),
    "phi3, LongRoPE": Model("phi3", {"original_max_position_embeddings": 8, "rope_parameters": _LONG}),
    "olmo, clipped": Model("olmo", {"clip_qkv": 1.0}, clipped=True),
    "llama4_text, one layer without": Model(
        "llama4_text", {"no_rope_layers": [1, 0], "interleave_moe_layer_step": 2}
    ),
    "lfm2": Model("lfm2", {"layer_types": ["full_attention"] * 2}),
    "falcon, 7B": Model("falcon", {"multi_query": True, "new_decoder_architecture": False, "parallel_attn": True}),
    "falcon, 40B": Model("falcon", {"new_decoder_architecture": True}),
    "falcon, 11B": Model("falcon", {"new_decoder_architecture": True, "num_ln_in_parallel_attn": 1}),
    "falcon, RW": Model(
        "falcon", {"alibi": True, "multi_query": False, "parallel_attn": False, "num_kv_heads": 4, "bias": True}
    ),
    "mpt": Model("mpt"),
    "mpt, clipped": Model("mpt", {"attn_config": {"clip_qkv": 1.0}}, clipped=True),
    **_plain("gpt2", "gpt_bigcode", "opt"),
    **{name: Model(name, {"head_dim": 8, "num_key_value_heads": 4}) for name in ("deepseek_v2", "deepseek_v3")},
    **_plain("bert", "roberta", "xlm-roberta", "camembert", "electra", "mpnet", "distilbert", holder="AutoModel"),
    **_plain("albert", "vit", "deit", holder="AutoModel"),
    "distilbert, sinusoidal": Model("distilbert", {"sinusoidal_pos_embds": True}, "AutoModel"),
    **_plain("t5", "mt5", "umt5", holder="AutoModelForSeq2SeqLM"),
    "clip_text_model": Model("clip_text_model", holder="CLIPTextModel"),
    "siglip_text_model": Model("siglip_text_model", holder="SiglipTextModel"),
    "clip_vision_model": Model("clip_vision_model", holder="CLIPVisionModelWithProjection"),
    "siglip_vision_model": Model("siglip", holder="SiglipForImageClassification"),
}


def build(model: Model, folder: Path, seed: int) -> None:
    """Write a model with random weights, gains and biases, in double precision.

    Parameters
    ----------
    model : what to build.
    folder : where to.
    seed : of its weights.
    """
    config = CONFIG_MAPPING[model.type](**_shrunk(CONFIG_MAPPING[model.type]().to_dict()) | dict(model.changes))
    holder = getattr(transformers, model.holder)
    make = holder.from_config if model.holder.startswith("Auto") else holder._from_config
    made = make(config, **_EXACT).eval()
    with torch.no_grad():
        for name, value in made.named_parameters():
            _randomise(value, torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode())))
    made.save_pretrained(folder)


def answers(model: Model, folder: Path) -> NDArray[np.float64]:
    """What the stored model answers to fixed random inputs.

    Parameters
    ----------
    model : what is stored.
    folder : where.

    Returns
    -------
    array
        Its first output.
    """
    holder = getattr(transformers, model.holder)
    loaded = holder.from_pretrained(folder, **_EXACT).eval()
    numbers = torch.Generator().manual_seed(0)
    if loaded.main_input_name == "pixel_values":
        inputs = {"pixel_values": torch.randn(2, 3, 16, 16, generator=numbers, dtype=torch.float64)}
    else:
        inputs = {"input_ids": torch.randint(4, 120, (2, _TOKENS), generator=numbers)}
        if model.holder == "AutoModelForSeq2SeqLM":
            inputs["decoder_input_ids"] = torch.randint(4, 120, (2, _TOKENS), generator=numbers)
    with torch.no_grad():
        found: NDArray[np.float64] = loaded(**inputs)[0].numpy()
    return found


def _shrunk(config: Mapping[str, Any]) -> dict[str, Any]:
    """Toy sizes of what a configuration has, in the sections of its parts too."""
    sections = {key: _shrunk(value) for key, value in config.items() if key in ("text_config", "vision_config")}
    return sections | {key: value for key, value in _SIZES.items() if key in config}


def _randomise(value: torch.Tensor, numbers: torch.Generator) -> None:
    """Matrices by their inputs; vectors about what they are."""
    noise = torch.randn(value.shape, generator=numbers, dtype=torch.float64)
    if value.ndim > 1:
        value.copy_(noise * 1.5 / value.shape[-1] ** 0.5)
    else:
        value.add_(0.3 * noise)
