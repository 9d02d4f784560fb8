"""Map GGUF back to the names, rows and settings of the model that llama.cpp converted.

The converter (``convert_hf_to_gguf.py``) renames every tensor, puts the two rows of q and k that rotate together
side by side in some architectures, adds 1 to Gemma's norms, turns GPT-2's matrices to [out, in] and stacks
experts. All of that is undone here, exactly but for the rounding of (w + 1) - 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from ...base import DamagedError, UnsupportedError
from ..places.place import File
from ..vocabulary import Vocabulary, spelled
from .gguf_file import TOKENS, GgufTensor, parse
from .rotary import rows_of_pairs
from .tensor import Contents, Tensor

_NAME = re.compile(r"blk\.([0-9]{1,6})\.(\w+?)(?:\.([0-9]{1,6}))?\.(weight|bias)")
_MOST_EXPERTS = 1 << 14
_CONSTANTS = re.compile(r"rope_freqs\.weight|rope_factors_(long|short)\.weight|blk\.[0-9]+\.attn_rot_embd\.weight")


@dataclass(frozen=True)
class Conversion:
    """The conversion of one architecture; to add an architecture, write one of these."""

    model_type: str
    """``model_type`` in the original's ``config.json``."""
    names: dict[str, str]
    """Original name of each tensor outside layers, without ``.weight``."""
    layer: str
    """Prefix of the original names in layer ``{i}``."""
    layer_names: dict[str, str]
    """The rest of these names, with ``{e}`` if the converter stacks experts."""
    pairs: bool = False
    """Whether rows of q and k that rotate together are adjacent."""
    norms: int = 0
    """Added to the weights of norms by the converter."""


_GLOBALS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_ATTENTION = {f"attn_{role}": f"self_attn.{role}_proj" for role in "qkv"} | {
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm",
}
_MLP = {f"ffn_{role}": f"mlp.{role}_proj" for role in ("gate", "up", "down")}
_LLAMA = _ATTENTION | _MLP | {"ffn_norm": "post_attention_layernorm"}
_SANDWICH = {"post_attention_norm": "post_attention_layernorm", "post_ffw_norm": "post_feedforward_layernorm"}
_EXPERTS = {f"ffn_{role}_exps": f"mlp.experts.{{e}}.{role}_proj" for role in ("gate", "up", "down")}
_SHARED = {f"ffn_{role}_shexp": f"mlp.shared_expert.{role}_proj" for role in ("gate", "up", "down")}
_MIXTRAL = {
    f"ffn_{role}_exps": f"block_sparse_moe.experts.{{e}}.w{n}"
    for role, n in zip(("gate", "down", "up"), "123", strict=True)
}


def _like_llama(model_type: str, more: dict[str, str] | None = None, **differences: Any) -> Conversion:
    return Conversion(model_type, _GLOBALS, "model.layers.{i}.", _LLAMA | (more or {}), **differences)


_CONVERSIONS: dict[str, Conversion] = {
    "llama": _like_llama("llama", pairs=True),
    "llama with experts": _like_llama("mixtral", _MIXTRAL | {"ffn_gate_inp": "block_sparse_moe.gate"}, pairs=True),
    "qwen2": _like_llama("qwen2"),
    "qwen3": _like_llama("qwen3"),
    "qwen2moe": _like_llama(
        "qwen2_moe",
        _EXPERTS | _SHARED | {"ffn_gate_inp": "mlp.gate", "ffn_gate_inp_shexp": "mlp.shared_expert_gate"},
    ),
    "qwen3moe": _like_llama("qwen3_moe", _EXPERTS | {"ffn_gate_inp": "mlp.gate"}),
    "gemma": _like_llama("gemma", norms=1),
    "gemma2": _like_llama("gemma2", _SANDWICH | {"ffn_norm": "pre_feedforward_layernorm"}, norms=1),
    "gemma3": _like_llama("gemma3_text", _SANDWICH | {"ffn_norm": "pre_feedforward_layernorm"}, norms=1),
    "phi3": _like_llama("phi3", {"attn_qkv": "self_attn.qkv_proj", "ffn_up": "mlp.gate_up_proj"}),
    "olmo": _like_llama("olmo", pairs=True),
    "olmo2": _like_llama("olmo2", _SANDWICH),
    "gpt2": Conversion(
        "gpt2",
        {
            "token_embd": "transformer.wte",
            "position_embd": "transformer.wpe",
            "output_norm": "transformer.ln_f",
            "output": "lm_head",
        },
        "transformer.h.{i}.",
        {
            "attn_norm": "ln_1",
            "attn_qkv": "attn.c_attn",
            "attn_output": "attn.c_proj",
            "ffn_norm": "ln_2",
            "ffn_up": "mlp.c_fc",
            "ffn_down": "mlp.c_proj",
        },
    ),
    "bert": Conversion(
        "bert",
        {
            "token_embd": "embeddings.word_embeddings",
            "position_embd": "embeddings.position_embeddings",
            "token_types": "embeddings.token_type_embeddings",
            "token_embd_norm": "embeddings.LayerNorm",
        },
        "encoder.layer.{i}.",
        {
            "attn_q": "attention.self.query",
            "attn_k": "attention.self.key",
            "attn_v": "attention.self.value",
            "attn_output": "attention.output.dense",
            "attn_output_norm": "attention.output.LayerNorm",
            "ffn_up": "intermediate.dense",
            "ffn_down": "output.dense",
            "layer_output_norm": "output.LayerNorm",
        },
    ),
}
_SETTINGS = {
    "hidden_size": "embedding_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "intermediate_size": "feed_forward_length",
    "num_experts": "expert_count",
    "moe_intermediate_size": "expert_feed_forward_length",
    "shared_expert_intermediate_size": "expert_shared_feed_forward_length",
    "max_position_embeddings": "context_length",
    "rotary_dim": "rope.dimension_count",
}


def contents(file: File) -> Contents:
    """The tensors of a file as those of the original model, its settings and its vocabulary.

    Raises
    ------
    CheckpointError
        If the file is damaged, or of an architecture whose conversion is not understood.
    """
    tensors, said = parse(file)
    architecture = said.get("general.architecture")
    _check_kind(file, said)
    mixture = architecture == "llama" and said.get("llama.expert_count")
    conversion = _CONVERSIONS.get("llama with experts" if mixture else str(architecture))
    if said.get("split.count") not in (None, 0, 1):
        raise UnsupportedError(
            f"{file.name} is one of {said['split.count']!r:.20} parts of a GGUF file; join them with llama.cpp's "
            "gguf-split --merge."
        )
    if conversion is None or " " in str(architecture):
        known = ", ".join(name for name in _CONVERSIONS if " " not in name)
        raise UnsupportedError(
            f"{file.name} is of the architecture {architecture!r:.60}; this version reads GGUF files of {known}; "
            "give the model as safetensors."
        )
    config = _config(file, conversion.model_type, str(architecture), said)
    found: dict[str, Tensor] = {}
    for stored in tensors.values():
        if _CONSTANTS.fullmatch(stored.name) is None:
            for tensor in _original(stored, conversion, config):
                if tensor.name in found:
                    raise DamagedError(f"{file.name} holds {stored.name!r:.200} twice; obtain the file again.")
                found[tensor.name] = tensor
    return Contents(found, config, _vocabulary(file, said))


def _check_kind(file: File, said: dict[str, Any]) -> None:
    """Refuse GGUF files that hold anything but a model."""
    kind = said.get("general.type", "model")
    if kind == "adapter":
        way = "merge it with llama.cpp's llama-export-lora and give the merged model"
        raise UnsupportedError(
            f"{file.name} is an adapter ({said.get('adapter.type', 'of unknown type')!r:.40}, in GGUF), not a whole "
            f"model, and adapters are merged here only as PEFT keeps them; {way}, or give it as PEFT saved it."
        )
    if kind != "model":
        what = {"mmproj": "the projector of an image or sound tower", "imatrix": "an importance matrix"}
        raise UnsupportedError(
            f"{file.name} is {what.get(str(kind), f'of the type {kind!r:.40}')}, not a language model; give the file "
            "of the model."
        )


def _config(file: File, model_type: str, architecture: str, said: dict[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {"model_type": model_type}
    for key, entry in _SETTINGS.items():
        value = said.get(f"{architecture}.{entry}")
        if isinstance(value, list):  # one number per layer
            if len(set(value)) != 1:
                raise UnsupportedError(
                    f"{file.name} says {architecture}.{entry} differs between layers ({value!r:.60}); expected one "
                    "number for all; give the model as safetensors."
                )
            value = value[0]
        if value is not None:
            config[key] = value
    return config


def _original(stored: GgufTensor, conversion: Conversion, config: dict[str, Any]) -> Iterator[GgufTensor]:
    """The original tensors in a stored one; under its stored name if that is not known."""
    match = _NAME.fullmatch(stored.name)
    if match is None:
        base, _, ending = stored.name.rpartition(".")
        name = conversion.names.get(base)
        yield _undone(replace(stored, name=f"{name}.{ending}" if name else stored.name), base, conversion, config)
        return
    layer, base, expert, ending = match.groups()
    name = conversion.layer_names.get(base if expert is None else f"{base}_exps")
    if name is None or (expert is not None and "{e}" not in name):
        yield stored
        return
    name = f"{conversion.layer}{name}.{ending}"
    if "{e}" not in name or expert is not None:
        yield _undone(replace(stored, name=name.format(i=int(layer), e=expert)), base, conversion, config)
        return
    if len(stored.shape) != 3 or stored.shape[0] > _MOST_EXPERTS:
        raise DamagedError(
            f"{stored.name!r:.200} has shape {stored.shape}; expected at most {_MOST_EXPERTS} experts, rows and "
            "columns; obtain the file again."
        )
    size = stored.size // stored.shape[0]
    for e in range(stored.shape[0]):
        part = replace(stored, shape=stored.shape[1:], offset=stored.offset + e * size)
        yield replace(part, name=name.format(i=int(layer), e=e))


def _undone(tensor: GgufTensor, base: str, conversion: Conversion, config: dict[str, Any]) -> GgufTensor:
    """The tensor with the converter's changes of row order and offset undone."""
    if conversion.pairs and base in ("attn_q", "attn_k"):
        heads = config.get("num_attention_heads")
        heads = heads if base == "attn_q" else config.get("num_key_value_heads", heads)
        if type(heads) is not int or heads < 1 or tensor.shape[0] % (2 * heads):
            raise DamagedError(
                f"{tensor.name!r:.200} has {tensor.shape[0]} rows for {heads!r:.20} heads; expected pairs of rows of "
                "each head; obtain the file again."
            )
        return replace(tensor, order=rows_of_pairs(tensor.shape[0], heads))
    if conversion.norms and tensor.name.endswith("norm.weight"):
        return replace(tensor, shift=-conversion.norms)
    if tensor.name.endswith("shared_expert_gate.weight") and len(tensor.shape) == 1:
        return replace(tensor, shape=(1, *tensor.shape))  # a matrix of one row, stored as a vector
    return tensor


def _vocabulary(file: File, said: dict[str, Any]) -> Vocabulary | None:
    tokens, spelling = said.get(TOKENS), said.get("tokenizer.ggml.model")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        return None
    return spelled(f"The vocabulary of {file.name}", tokens, str(spelling))
