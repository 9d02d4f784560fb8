"""A LoRA in GGUF, as llama.cpp's ``convert_lora_to_gguf.py`` writes it, under the names and settings of PEFT.

``general.type`` is ``adapter``, ``adapter.type`` is ``lora``; after each changed tensor's name stand ``.lora_a``
[r, in] and ``.lora_b`` [out, r]. llama.cpp adds alpha / r times their product (alpha 0 stands for r), with one
``adapter.lora.alpha`` for all. The rows of B are ordered as those of the converted matrix, by the heads of the base:
the file does not say these, so they are put back in order when the base is known (``of_base``). Of embeddings the
first factor is stored transposed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError, UnsupportedError
from ..hostile import count
from ..layouts.describe import HEADS
from ..layouts.naming import PEFT_PREFIX
from ..places.hub import REPOSITORY
from ..places.place import File
from .gguf_conversions import Config, Conversion
from .gguf_file import GgufTensor
from .gguf_names import conversion_of, experts_of, original_names, template
from .tensor import Contents, Indexer, Tensor

_LAYER = re.compile(r"((?:enc\.|dec\.)?blk)\.([0-9]{1,6})\.(.+)")
_FACTOR = re.compile(r"(.+\.weight)\.lora_([ab])")
_HUB = "https://huggingface.co/"
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv")
_TOKENS = "token_embd.weight"


@dataclass(frozen=True, eq=False)
class Factor:
    """A or B of a module, under the name that PEFT gives it."""

    tensor: GgufTensor
    turned: bool = False
    """Whether it is stored transposed."""
    matrix: str = ""
    """Stored name of the changed matrix, if rows are in its order."""
    conversion: Conversion | None = None
    """What undoes that order."""

    is_out_in = False
    notes = ()

    @property
    def name(self) -> str:
        """That of PEFT."""
        return self.tensor.name

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.tensor.file

    @property
    def dtype(self) -> str:
        """Of the stored tensor."""
        return self.tensor.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.tensor.shape[::-1] if self.turned else self.tensor.shape

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns."""
        if self.turned:
            return np.ascontiguousarray(self.tensor.read(columns, rows).T)
        return self.tensor.read(rows, columns)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns."""
        return self.tensor.nbytes(*((columns, rows) if self.turned else (rows, columns)))

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes as stored."""
        yield from self.tensor.iter_bytes()

    def ordered(self, config: Config) -> Factor:
        """With its rows in the order of the original model, given the settings of the base.

        Raises
        ------
        DamagedError
            If the heads of the base do not fit.
        """
        if self.conversion is None:
            return self
        section = config.get("text_config")
        said = config | (section if isinstance(section, dict) else {})
        heads = count(said, *HEADS)
        counts = {"num_attention_heads": heads, "num_key_value_heads": count(said, *_KV_HEADS, default=heads)}
        undone = self.conversion.undone(replace(self.tensor, name=self.matrix), counts)
        return replace(self, tensor=replace(undone, name=self.name), conversion=None)


def of_base(found: Mapping[str, Tensor], config: Config) -> dict[str, Tensor]:
    """The tensors of an adapter, with their rows in the order of the base's.

    Parameters
    ----------
    found : tensors of the adapter, by name.
    config : settings of the base.

    Raises
    ------
    DamagedError
        If the heads of the base do not fit.
    """
    return {name: tensor.ordered(config) if isinstance(tensor, Factor) else tensor for name, tensor in found.items()}


def adapter(
    file: File, tensors: Mapping[str, GgufTensor], said: Mapping[str, Any], beside: tuple[File, ...]
) -> Contents:
    """The tensors of a LoRA under the names of PEFT, and its settings in the terms of ``adapter_config.json``.

    Parameters
    ----------
    file : for messages.
    tensors : as stored, by name.
    said : metadata.
    beside : further parts of the file.

    Raises
    ------
    CheckpointError
        If it is another kind of adapter, or a tensor is not understood.
    """
    kind, alpha = said.get("adapter.type"), said.get("adapter.lora.alpha", 0.0)
    if kind != "lora":
        raise UnsupportedError(
            f"{file.name} is an adapter in GGUF of the type {kind!r:.40}; expected 'lora'; merge it with the tool "
            "that made it and give the merged model."
        )
    if type(alpha) not in (int, float) or not abs(alpha) < 1e9:
        raise DamagedError(
            f"{file.name} gives adapter.lora.alpha as {alpha!r:.40}; expected a number; obtain it again."
        )
    mixture = any("_exps" in name for name in tensors)
    conversion = conversion_of(file, said.get("general.architecture"), mixture)
    modules = frozenset(template(match[1]) for name in tensors if (match := _FACTOR.fullmatch(name)))
    names = original_names(file, str(said["general.architecture"]), conversion, modules)
    found: dict[str, Tensor] = {}
    for tensor in tensors.values():
        for part in _parts(file, tensor, names, conversion):
            if part.name in found:
                raise DamagedError(f"{file.name} holds {tensor.name!r:.200} twice; obtain the file again.")
            found[part.name] = part
    return Contents(found, _settings(said, found, float(alpha)), None, beside)


def _settings(said: Mapping[str, Any], found: Mapping[str, Tensor], alpha: float) -> Config:
    ranks = {
        name.removeprefix(PEFT_PREFIX).partition(".lora_")[0]: tensor.shape[0]
        for name, tensor in found.items()
        if name.endswith(("lora_A.weight", "lora_embedding_A"))
    }
    base = said.get("general.base_model.0.repo_url")
    named = base.removeprefix(_HUB) if isinstance(base, str) and base.startswith(_HUB) else None
    marks = {"alora_invocation_tokens": True} if "adapter.alora.invocation_tokens" in said else {}
    return {
        "peft_type": "LORA",
        "base_model_name_or_path": named if named and REPOSITORY.fullmatch(named) else None,
        "r": max(ranks.values(), default=None),
        "rank_pattern": {f"^{module}": rank for module, rank in ranks.items()},
        "lora_alpha": alpha,
        "alpha_pattern": {} if alpha else {f"^{module}": rank for module, rank in ranks.items()},
        **marks,
    }


def _parts(file: File, tensor: GgufTensor, names: Mapping[str, str], conversion: Conversion) -> Iterator[Factor]:
    """The factors in a stored tensor, of which a stack of experts holds one for each."""
    match = _FACTOR.fullmatch(tensor.name)
    original = None if match is None else names.get(template(match[1]))
    stack = original is not None and "{e}" in original
    if match is None or original is None or len(tensor.shape) != (3 if stack else 2):
        raise UnsupportedError(
            f"{file.name} is a LoRA in GGUF with the tensor {tensor.name!r:.200} of shape {list(tensor.shape)}, "
            "which is not understood; expected MODULE.weight.lora_a and lora_b; give the adapter as PEFT saved it."
        )
    layer = _LAYER.fullmatch(match[1])
    module = PEFT_PREFIX + original.replace("{i}", str(int(layer[2])) if layer else "{i}").removesuffix(".weight")
    side = match[2].upper()
    if match[1] == _TOKENS:
        yield Factor(replace(tensor, name=f"{module}.lora_embedding_{side}"), turned=side == "A")
        return
    for e, one in enumerate(experts_of(tensor)) if stack else [(0, tensor)]:
        part = replace(one, name=f"{module.replace('{e}', str(e))}.lora_{side}.weight")
        yield Factor(part, False, match[1], conversion if side == "B" else None)
