"""Map GGUF back to the names, numbers and settings of the model that llama.cpp converted.

Names are mapped back by the ``gguf`` package's own map: what it makes of each name in the family's table is looked
for in the file. All other changes are undone as :mod:`verify.checkpoint.formats.gguf_conversions` says, exactly but
for the rounding of (w + 1) - 1 and log(exp(w)).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...base import DamagedError, HostileError, UnsupportedError
from ..places.place import File, Storage
from ..vocabulary import Vocabulary, spelled
from .gguf_adapters import adapter
from .gguf_conversions import Config, Conversion, heads_of, unfit, within
from .gguf_file import TOKENS, GgufTensor
from .gguf_latent import Headed
from .gguf_names import conversion_of, experts_of, original_names, template
from .gguf_parts import joined
from .tensor import Contents, Tensor

_LAYER = re.compile(r"((?:enc\.|dec\.)?blk)\.([0-9]{1,6})\.(.+)")
_ONE_EXPERT = re.compile(r"(ffn_\w+)\.([0-9]{1,6})\.(weight|bias)")
_MOST = 1 << 20  # tensors, of which the largest published models have under 100000
_CONSTANTS = re.compile(
    r"rope_freqs\.weight|rope_factors_(long|short)\.weight|blk\.[0-9]+\.(attn_rot_embd\.weight|\w+\.input_scale)"
)
_BOTH = "ffn_gate_up_exps.weight"
_QKV = ("attn_qkv.weight", "attn_qkv.bias")
_KEYS, _VALUES = ".attn_k_b.weight", ".attn_v_b.weight"
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
    "partial_rotary_factor": "rope.dimension_count",  # a number, before any default of the family
    "rotary_dim": "rope.dimension_count",
}


def contents(file: File, place: Storage) -> Contents:
    """The tensors of a file as those of the original model, its settings and its vocabulary.

    A LoRA is read as PEFT keeps it (``gguf_adapters``).

    Raises
    ------
    CheckpointError
        If the file is damaged, or of an architecture whose conversion is not understood.
    """
    tensors, said, beside = joined(file, place)
    if said.get("general.type") == "adapter":
        return adapter(file, tensors, said, beside)
    architecture = str(said.get("general.architecture"))
    _check_kind(file, said)
    conversion = conversion_of(file, said.get("general.architecture"), bool(said.get("llama.expert_count")))
    if (entry := next((one for one in conversion.beyond if f"{architecture}.{one}" in said), None)) is not None:
        raise UnsupportedError(
            f"{file.name} is of the architecture {architecture!r} with {entry}, for which llama.cpp's converter "
            "orders rows in a way that is not undone here; give the model as safetensors."
        )
    templates = {template(name) for name in tensors}
    config = _config(file, conversion, architecture, said, {within(name) for name in tensors})
    if "output.weight" in tensors:
        config["tie_word_embeddings"] = False
    names = original_names(file, architecture, conversion, frozenset(templates))
    found: dict[str, Tensor] = {}
    for stored in _scaled(tensors):
        if _CONSTANTS.fullmatch(stored.name) is not None:
            continue
        for tensor in _original(stored, conversion, names, config):
            if tensor.name in found:
                raise DamagedError(f"{file.name} holds {stored.name!r:.200} twice; obtain the file again.")
            found[tensor.name] = tensor
            if len(found) > _MOST:
                raise HostileError(f"{file.name} holds over {_MOST} matrices; expected fewer; obtain the file again.")
    return Contents(_headed(found, names), config, _vocabulary(file, said), beside)


def _check_kind(file: File, said: dict[str, Any]) -> None:
    """Refuse GGUF files that hold anything but a model."""
    kind = said.get("general.type", "model")
    if kind != "model":
        what = {"mmproj": "the projector of an image or sound tower", "imatrix": "an importance matrix"}
        raise UnsupportedError(
            f"{file.name} is {what.get(str(kind), f'of the type {kind!r:.40}')}, not a language model; give the file "
            "of the model."
        )


def _config(
    file: File, conversion: Conversion, architecture: str, said: dict[str, Any], names: Collection[str]
) -> Config:
    own = {
        key.removeprefix(f"{architecture}."): _one_for_all(value)
        for key, value in said.items()
        if key.startswith(f"{architecture}.")
    }
    config: Config = {"model_type": conversion.model_type}
    for key, entry in (_SETTINGS | dict(conversion.settings)).items():
        value = own.get(entry)
        if isinstance(value, list):
            if key in conversion.by_layer:
                continue
            raise UnsupportedError(
                f"{file.name} says {architecture}.{entry} differs between layers ({value!r:.60}); expected one "
                "number for all; give the model as safetensors."
            )
        if value is not None:
            config[key] = value
    return config | conversion.derived(own, names)


def _one_for_all(value: Any) -> Any:
    """The number of all layers in a list, where 0 is that of a layer without any; else the value itself."""
    if not isinstance(value, list):
        return value
    numbers = set(value) - {0} or {0}
    return numbers.pop() if len(numbers) == 1 else value


def _scaled(tensors: Mapping[str, GgufTensor]) -> Iterator[GgufTensor]:
    """The tensors, each times the number beside it that scales it, as of NVFP4; by expert if stacked."""
    for name, tensor in tensors.items():
        base = name.removesuffix(".scale") + ".weight"
        if name.endswith(".scale") and base in tensors and not _is_part_of_a_model(name, tensors[base]):
            continue
        scale = tensors.get(name.removesuffix(".weight") + ".scale") if name.endswith(".weight") else None
        if scale is None or _is_part_of_a_model(scale.name, tensor):
            yield tensor
            continue
        if scale.dtype != "F32" or scale.shape != ((tensor.shape[0],) if len(tensor.shape) == 3 else (1,)):
            raise DamagedError(
                f"{tensor.file} scales {name!r:.200} by {scale.dtype} of shape {scale.shape}; expected one F32 "
                "number for each matrix; obtain the file again."
            )
        numbers = np.asarray(scale.read(), np.float32)
        yield replace(tensor, factors=numbers)


def _is_part_of_a_model(scale: str, scaled: GgufTensor) -> bool:
    """Whether a scale is learned, as those of routers and experts of Gemma 4, and not one of NVFP4."""
    return scaled.dtype != "NVFP4" and re.fullmatch(r".*ffn_(gate_inp|down_exps)\.scale", scale) is not None


def _original(
    stored: GgufTensor, conversion: Conversion, names: Mapping[str, str], config: Config
) -> Iterator[GgufTensor]:
    """The original tensors in a stored one; under its stored name if that is not known."""
    match = _LAYER.fullmatch(stored.name)
    if match is None:
        yield replace(conversion.undone(stored, config), name=names.get(stored.name, stored.name))
        return
    block, layer, rest = match.groups()
    one = _ONE_EXPERT.fullmatch(rest)
    rest = rest if one is None else f"{one[1]}_exps.{one[3]}"
    name = names.get(f"{block}.{{i}}.{rest}")
    if name is None and rest == _BOTH and len(stored.shape) == 3 and stored.shape[1] % 2 == 0:
        yield from _halves(stored, names, layer)
        return
    if name is None and rest in _QKV and f"{block}.{{i}}.{rest.replace('qkv', 'q')}" in names:
        for part in _heads_apart(stored, config):
            yield from _original(part, conversion, names, config)
        return
    if name is None or (one is not None and "{e}" not in name):
        yield stored
        return
    tensor = conversion.undone(stored, config)
    name = name.replace("{i}", str(int(layer)))
    if "{e}" not in name or one is not None:
        yield replace(tensor, name=name if one is None else name.replace("{e}", one[2]))
        return
    for e, part in enumerate(experts_of(tensor)):
        yield replace(part, name=name.replace("{e}", str(e)))


def _halves(stack: GgufTensor, names: Mapping[str, str], layer: str) -> Iterator[GgufTensor]:
    """Gates, and what they gate, of experts in one tensor, as the converter's --fuse-gate-up-exps writes them."""
    for e, whole in enumerate(experts_of(stack)):
        for k, role in enumerate(("gate", "up")):
            name = names.get(f"blk.{{i}}.ffn_{role}_exps.weight", f"blk.{{i}}.ffn_{role}_exps.{{e}}.weight")
            half = replace(
                whole, shape=(whole.shape[0] // 2, whole.shape[1]), offset=whole.offset + k * whole.size // 2
            )
            yield replace(half, name=name.replace("{i}", str(int(layer))).replace("{e}", str(e)))


def _heads_apart(fused: GgufTensor, config: Config) -> Iterator[GgufTensor]:
    """q, k and v in one tensor, one after the other, as the converter's --fuse-qkv writes them."""
    heads, kv_heads = heads_of(fused, config)
    unit, rest = divmod(fused.shape[0], heads + 2 * kv_heads)
    if rest or (len(fused.shape) == 1 and fused.block[0] != 1):
        raise unfit(fused, f"fused rows of {heads} heads and {kv_heads} kv heads")
    start = 0
    for role, rows in (("q", heads * unit), ("k", kv_heads * unit), ("v", kv_heads * unit)):
        part = replace(fused, name=fused.name.replace("qkv", role), shape=(rows, *fused.shape[1:]))
        yield replace(part, offset=fused.offset + start * fused.size // fused.shape[0])
        start += rows


def _headed(found: dict[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors, keys and values behind a latent vector being one again, head by head."""
    whole = names.get("blk.{i}.attn_kv_b.weight")
    for name in [name for name in found if name.endswith(_KEYS)] if whole is not None else []:
        keys, values = found[name], found.get(name.removesuffix(_KEYS) + _VALUES)
        if whole is not None and isinstance(keys, GgufTensor) and isinstance(values, GgufTensor):
            both = whole.replace("{i}", name.split(".")[1])
            del found[name], found[values.name]
            found[both] = Headed(keys, values, both)
    return found


def _vocabulary(file: File, said: dict[str, Any]) -> Vocabulary | None:
    tokens, spelling = said.get(TOKENS), said.get("tokenizer.ggml.model")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        return None
    return spelled(f"The vocabulary of {file.name}", tokens, str(spelling))
