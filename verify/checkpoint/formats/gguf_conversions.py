"""What llama.cpp's converter (``convert_hf_to_gguf.py``) changes in each architecture, and how it is undone.

It renames every tensor, by a map that the ``gguf`` package holds; besides, it puts the two rows of q and k that
rotate together side by side, adds 1 to norms, takes apart or puts in order what is fused, and drops axes of length 1.
An architecture is here if its conversion is known from the converter's source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError
from ..hostile import count
from .gguf_file import GgufTensor
from .rotary import rows_of_pairs

Config = dict[str, Any]
Change = Callable[[GgufTensor, Config], GgufTensor]
"""Undoes a change of one tensor under its stored name, given the model's settings."""


@dataclass(frozen=True)
class Conversion:
    """The conversion of one architecture; to add an architecture, write one of these."""

    model_type: str
    """``model_type`` in the original's ``config.json``, by which the family's table is found."""
    changes: Mapping[str, Change] = field(default_factory=dict)
    """Regular expression of names within a layer, with ``.weight`` or ``.bias``, and what undoes the change."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings of ``config.json``, and the entries that hold them, without the architecture."""
    derived: Callable[[Mapping[str, Any], Collection[str]], Config] = lambda _, __: {}
    """Settings that follow from several entries, without the architecture, and the names of the tensors."""
    by_layer: tuple[str, ...] = ()
    """Settings of which each layer may have its own value, and no test needs one for all."""
    left: Mapping[str, str] = field(default_factory=dict)
    """Regular expression of names within a layer of tensors whose change is not undone, and the module of a layer in
    which they keep their stored names; no test compares them."""
    beyond: tuple[str, ...] = ()
    """Entries, without the architecture, of models that are converted in a way that is not undone."""

    def undone(self, tensor: GgufTensor, config: Config) -> GgufTensor:
        """The tensor with what the converter did to its numbers undone."""
        name = within(tensor.name)
        for pattern, change in self.changes.items():
            if re.fullmatch(pattern, name):
                tensor = change(tensor, config)
        return tensor


def within(name: str) -> str:
    """A stored name within its layer."""
    return re.sub(r"^((enc|dec)\.)?blk\.([0-9]+|\{i\})\.", "", name)


def rows_of_groups(rows: int, heads: int, kv_heads: int) -> NDArray[np.intp]:
    """Stored position of each row of fused q, k and v; in the original those of one kv head follow each other.

    Parameters
    ----------
    rows : number of rows.
    heads : query heads.
    kv_heads : key-value heads.

    Returns
    -------
    array
        Of integers, shape [rows].

    Examples
    --------
    >>> rows_of_groups(8, 4, 2).tolist()
    [0, 1, 4, 6, 2, 3, 5, 7]
    """
    unit = rows // (heads + 2 * kv_heads)
    order = np.arange(rows, dtype=np.intp)
    q, k, v = np.split(order, [heads * unit, (heads + kv_heads) * unit])
    return np.concatenate([part.reshape(kv_heads, -1) for part in (q, k, v)], axis=1).ravel()


def _pairs(tensor: GgufTensor, config: Config) -> GgufTensor:
    heads, kv_heads = heads_of(tensor, config)
    of = kv_heads if "attn_k" in tensor.name else heads
    if tensor.shape[0] % (2 * of):
        raise unfit(tensor, f"pairs of rows of each of {of} heads")
    return replace(tensor, order=rows_of_pairs(tensor.shape[0], of))


def _groups(tensor: GgufTensor, config: Config) -> GgufTensor:
    heads, kv_heads = heads_of(tensor, config)
    if heads % kv_heads or tensor.shape[0] % (heads + 2 * kv_heads):
        raise unfit(tensor, f"fused rows of {heads} heads and {kv_heads} kv heads")
    return replace(tensor, order=rows_of_groups(tensor.shape[0], heads, kv_heads))


def _less_one(tensor: GgufTensor, _: Config) -> GgufTensor:
    return replace(tensor, undone=lambda x: x - np.float32(1))


def _log(tensor: GgufTensor, _: Config) -> GgufTensor:
    return replace(tensor, undone=lambda x: np.log(-x))


def _one_row(tensor: GgufTensor, _: Config) -> GgufTensor:
    """A matrix of one row, stored as a vector."""
    return replace(tensor, shape=(1, *tensor.shape)) if len(tensor.shape) == 1 else tensor


def _kernel(tensor: GgufTensor, _: Config) -> GgufTensor:
    """The kernel of a convolution of each channel by itself, with the axis of length 1 between the others."""
    return replace(tensor, shape=(tensor.shape[0], 1, tensor.shape[1])) if len(tensor.shape) == 2 else tensor


def _vector(tensor: GgufTensor, _: Config) -> GgufTensor:
    """A vector, stored as a matrix."""
    return replace(tensor, shape=(tensor.shape[0] * tensor.shape[1],)) if len(tensor.shape) == 2 else tensor


def heads_of(tensor: GgufTensor, config: Config) -> tuple[int, int]:
    """Query heads and kv heads of the model.

    Raises
    ------
    DamagedError
        If its metadata does not give them.
    """
    heads = count(config, "num_attention_heads") or 0
    kv_heads = count(config, "num_key_value_heads", default=heads) or 0
    if not heads or not kv_heads:
        raise unfit(tensor, "a head count of at least 1 in its metadata")
    return heads, kv_heads


def unfit(tensor: GgufTensor, expected: str) -> DamagedError:
    """The refusal of a tensor whose rows are not what its metadata says."""
    return DamagedError(
        f"{tensor.file} stores {tensor.name!r:.200} with {tensor.shape[0]} rows; expected {expected}; obtain the "
        "file again."
    )


def _present(**tensors: str) -> Callable[[Mapping[str, Any], Collection[str]], Config]:
    """Settings that say whether there are tensors of a name within layers."""
    return lambda _, names: {key: any(map(re.compile(name).fullmatch, names)) for key, name in tensors.items()}


def _of_falcon(said: Mapping[str, Any], _: Collection[str]) -> Config:
    """Models of several kv heads are of the second generation; the first has none with positions by ALiBi here."""
    kv_heads = said.get("attention.head_count_kv", 1)
    return {"num_kv_heads": kv_heads, "new_decoder_architecture": kv_heads != 1}


def _of_baichuan(said: Mapping[str, Any], _: Collection[str]) -> Config:
    """Of two published sizes, of 32 and 40 layers, the smaller one turns positions, and the other has ALiBi."""
    return {} if said.get("block_count") == 32 else {"max_position_embeddings": None}


def _of_mpt(_: Mapping[str, Any], names: Collection[str]) -> Config:
    return {"attn_config": {"qk_ln": "attn_q_norm.weight" in names}}


def _of_granite(said: Mapping[str, Any], _: Collection[str]) -> Config:
    """Hybrids say by an entry of another name whether positions turn anything."""
    return {"position_embedding_type": "rope" if said.get("rope.scaling.finetuned", True) else "nope"}


_PAIRS: dict[str, Change] = {r"attn_[qk]\.\w+": _pairs}
_NORMS: dict[str, Change] = {r"(?!ssm_)(.*_)?norm\.weight": _less_one}
_GROUPS: dict[str, Change] = {r"attn_qkv\.\w+": _groups}
_GATE: dict[str, Change] = {r"ffn_gate_inp_shexp\.weight": _one_row}
_SPACE: dict[str, Change] = {r"ssm_a": _log, r"ssm_conv1d\.weight": _kernel}
_MAMBA2: dict[str, Change] = {r"ssm_(a|d)": _vector, r"ssm_norm\.weight": _vector} | _SPACE
_PARALLEL = {"use_parallel_residual": "use_parallel_residual"}

_GROUPED: dict[str, str] = {"n_group": "expert_group_count"}
_LINEAR = {r"ssm_.*|attn_qkv\.\w+|attn_gate\.\w+": "linear_attn"}
_LATENT = _GROUPED | {
    "kv_lora_rank": "attention.kv_lora_rank",
    "qk_rope_head_dim": "rope.dimension_count",
    "v_head_dim": "attention.value_length_mla",
}
_SHORT: dict[str, Change] = {r"shortconv\.conv\.weight": _kernel}
_SECTIONS = ("rope.dimension_sections",)

CONVERSIONS: dict[str, Conversion] = {
    "afmoe": Conversion("afmoe", settings=_GROUPED),
    "apertus": Conversion("apertus"),
    "arcee": Conversion("arcee", _PAIRS),
    "baichuan": Conversion("baichuan", _PAIRS, derived=_of_baichuan),
    "bert": Conversion("bert"),
    "bloom": Conversion("bloom", _GROUPS),
    "chatglm": Conversion("glm"),
    "cohere2": Conversion("cohere2"),
    "command-r": Conversion("cohere", derived=_present(use_qk_norm=r"attn_q_norm\.weight")),
    "deepseek2": Conversion("deepseek_v3", settings=_LATENT),
    "dots1": Conversion("dots1", settings=_GROUPED),
    "ernie4_5": Conversion("ernie4_5"),
    "ernie4_5-moe": Conversion("ernie4_5_moe"),
    "eurobert": Conversion("eurobert"),
    "exaone": Conversion("exaone"),
    "exaone-moe": Conversion("exaone_moe", settings=_GROUPED),
    "exaone4": Conversion("exaone4"),
    "falcon": Conversion("falcon", _GROUPS, derived=_of_falcon),
    "gemma": Conversion("gemma", _NORMS),
    "gemma2": Conversion("gemma2", _NORMS),
    "gemma3": Conversion("gemma3_text", _NORMS),
    "gemma3n": Conversion("gemma3n_text"),
    "gemma4": Conversion(
        "gemma4_text",
        settings={"num_kv_shared_layers": "attention.shared_kv_layers"},
        by_layer=("num_key_value_heads", "intermediate_size"),
    ),
    "glm4": Conversion("glm4", beyond=_SECTIONS),
    "glm4moe": Conversion("glm4_moe", settings=_GROUPED),
    "gpt-oss": Conversion("gpt_oss"),
    "gpt2": Conversion("gpt2"),
    "gptneox": Conversion("gpt_neox", _GROUPS, _PARALLEL),
    "granite": Conversion("granite", _PAIRS),
    "granitehybrid": Conversion("granitemoehybrid", _PAIRS | _MAMBA2, derived=_of_granite),
    "granitemoe": Conversion("granitemoe", _PAIRS),
    "hunyuan-dense": Conversion("hunyuan_v1_dense"),
    "hunyuan-moe": Conversion("hunyuan_v1_moe"),
    "internlm2": Conversion("internlm2", _PAIRS),
    "jais2": Conversion("jais2"),
    "jamba": Conversion("jamba", _SPACE),
    "lfm2": Conversion("lfm2", _SHORT),
    "lfm2moe": Conversion("lfm2_moe", _SHORT),
    "llama": Conversion("llama", _PAIRS),
    "llama with experts": Conversion("mixtral", _PAIRS),
    "llama4": Conversion("llama4_text"),
    "mamba": Conversion("mamba", _SPACE),
    "mamba2": Conversion("mamba2", _MAMBA2),
    "minicpm3": Conversion("minicpm3", settings=_LATENT),
    "minimax-m2": Conversion("minimax_m2"),
    "mistral3": Conversion("ministral3", _PAIRS),
    "modern-bert": Conversion("modernbert"),
    "mpt": Conversion("mpt", derived=_of_mpt),
    "nemotron": Conversion("nemotron", _NORMS),
    "nemotron_h": Conversion("nemotron_h", _PAIRS | _MAMBA2, _GROUPED),
    "nemotron_h_moe": Conversion("nemotron_h", _PAIRS | _MAMBA2, _GROUPED),
    "nomic-bert": Conversion("nomic_bert"),
    "olmo": Conversion("olmo", _PAIRS),
    "olmo2": Conversion("olmo2"),
    "olmoe": Conversion("olmoe"),
    "paddleocr": Conversion("paddleocr_vl_text"),
    "phi2": Conversion("phi"),
    "phi3": Conversion("phi3"),
    "phimoe": Conversion("phimoe"),
    "qwen": Conversion("qwen"),
    "qwen2": Conversion("qwen2"),
    "qwen2moe": Conversion("qwen2_moe", _GATE),
    "qwen2vl": Conversion("qwen2_vl"),
    "qwen3": Conversion("qwen3"),
    "qwen35": Conversion("qwen3_5_text", _NORMS, left=_LINEAR),
    "qwen35moe": Conversion("qwen3_5_moe_text", _NORMS | _GATE, left=_LINEAR),
    "qwen3moe": Conversion("qwen3_moe"),
    "qwen3next": Conversion("qwen3_next", _NORMS | _GATE, left=_LINEAR),
    "qwen3vl": Conversion("qwen3_vl_text"),
    "seed_oss": Conversion("seed_oss"),
    "smollm3": Conversion("smollm3", _PAIRS),
    "stablelm": Conversion("stablelm", settings=_PARALLEL, derived=_present(qk_layernorm=r"attn_q_norm\.weight")),
    "starcoder": Conversion("gpt_bigcode"),
    "starcoder2": Conversion("starcoder2"),
    "t5": Conversion("t5"),
}
"""By ``general.architecture``; Mixtral is a Llama with experts there."""
