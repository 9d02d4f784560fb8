"""What llama.cpp's converter makes of a checkpoint, restated from its source: names, order, offsets and stacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.converted import Array, side_by_side

Config = dict[str, Any]
PAIRS = {
    *("llama", "arcee", "baichuan", "granite", "granitemoe", "internlm2", "mistral3", "nemotron_h_moe", "olmo"),
    "smollm3",
}
"""Architectures of which rows of q and k are put side by side."""
SHIFTED = {"gemma", "gemma2", "gemma3", "nemotron", "qwen3next", "qwen35"}
"""Architectures of which 1 is added to norms."""
KEYS = {
    "num_attention_heads": "attention.head_count",
    "n_head": "attention.head_count",
    "n_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "num_kv_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "num_experts": "expert_count",
    "num_local_experts": "expert_count",
    "n_routed_experts": "expert_count",
    "max_position_embeddings": "context_length",
    "num_hidden_layers": "block_count",
    "n_layer": "block_count",
    "hidden_size": "embedding_length",
    "n_group": "expert_group_count",
    "kv_lora_rank": "attention.kv_lora_rank",
    "v_head_dim": "attention.value_length_mla",
}


def convert(path: Path, tensors: dict[str, Array], architecture: str, config: Config, fused: bool = False) -> Path:
    """Write a checkpoint as GGUF in F32; if fused, q, k and v are in one tensor, and gates and ups of experts."""
    number = next(key for key, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    layers = config.get("num_hidden_layers") or config.get("n_layer") or config["n_layers"]
    names = gguf.get_tensor_name_map(number, layers)
    writer = gguf.GGUFWriter(path, architecture)
    for key, entry in KEYS.items():
        if type(config.get(key)) is int:
            writer.add_uint32(f"{architecture}.{entry}", config[key])
    if architecture == "falcon" and config["multi_query"] and not config["new_decoder_architecture"]:
        writer.kv_data[0]["falcon.attention.head_count_kv"].value = 1
    if (share := (config.get("rope_parameters") or {}).get("partial_rotary_factor")) is not None:
        size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
        writer.add_rope_dimension_count(int(share * size))
    for key in ("rotary_dim", "qk_rope_head_dim"):
        if config.get(key):
            writer.add_rope_dimension_count(config[key])
    if architecture in ("gptneox", "stablelm"):
        writer.add_parallel_residual(config["use_parallel_residual"])
    stacks: dict[str, dict[int, Array]] = {}
    made: dict[str, Array] = {}
    for name, value in tensors.items():
        if one := re.fullmatch(r"(?:model\.)?(layers\..*experts)\.(\d+)\.(\w+\.(weight|bias))", name):
            stacks.setdefault(f"{one[1]}.{one[3]}", {})[int(one[2])] = value
            continue
        for new, part in changed(name, value, architecture, config):
            stored = new if new.startswith("blk.") else names.get_name(new, try_suffixes=(".weight", ".bias"))
            assert stored is not None, new
            made[stored] = part
    for name, parts in stacks.items():
        name = name.replace("block_sparse_moe", "feed_forward") if architecture == "llama" else f"model.{name}"
        name = name.removeprefix("model.") if architecture == "lfm2moe" else name
        stored = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert stored is not None, name
        made[stored] = np.stack([parts[e] for e in range(len(parts))])
    for stored, value in (together(made) if fused else made).items():
        writer.add_tensor(stored, np.ascontiguousarray(value, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def together(made: dict[str, Array]) -> dict[str, Array]:
    """Tensors with those fused that the converter's --fuse-qkv and --fuse-gate-up-exps fuse."""
    made = dict(made)
    rules = (("attn_q.", "attn_qkv.", "qkv", 0), ("ffn_gate_exps.", "ffn_gate_up_exps.", ("gate", "up"), 1))
    for name in list(made):
        for first, fused, roles, axis in rules:
            if first in name:
                parts = [name.replace(f"_{roles[0]}", f"_{role}", 1) for role in roles]
                made[name.replace(first, fused)] = np.concatenate([made.pop(part) for part in parts], axis=axis)
    return made


def changed(name: str, value: Array, architecture: str, config: Config) -> Iterator[tuple[str, Array]]:
    """The tensors that one becomes, by its own name or, where it is cut up, by theirs."""
    heads = config.get("num_attention_heads") or config.get("n_head") or 0
    kv_heads = config.get("num_key_value_heads") or heads
    layer = next(iter(re.findall(r"\.(\d+)\.", name)), "")
    if architecture in PAIRS and (which := re.search(r"\.([qk])_proj\.", name)):
        value = side_by_side(value, heads if which[1] == "q" else kv_heads)
    if architecture in SHIFTED and name.endswith("norm.weight") and "linear_attn" not in name:
        value = value + 1
    if architecture in ("bloom", "gptneox", "falcon") and "query_key_value" in name:
        kv_heads = config.get("num_kv_heads") if architecture == "falcon" else heads
        kv_heads = 1 if architecture == "falcon" and not config["new_decoder_architecture"] else kv_heads
        value = by_heads(value, heads, kv_heads or heads)
    if architecture == "gpt2" and re.search(r"\.c_\w+\.weight$", name):
        value = value.T
    if architecture == "bloom":
        name = name.removeprefix("transformer.")
    if architecture in ("modern-bert", "eurobert"):
        name = name.removeprefix("model.")
    if name.endswith("e_score_correction_bias"):
        name = name.replace("_bias", ".bias")
    if architecture == "deepseek2" and "kv_b_proj" in name:
        nope, size = config["qk_nope_head_dim"], config["v_head_dim"]
        both = value.reshape(heads, nope + size, -1)
        yield name.replace("kv_b_proj", "k_b_proj"), both[:, :nope].swapaxes(1, 2)
        yield name.replace("kv_b_proj", "v_b_proj"), both[:, nope:]
    elif architecture == "granitemoe" and "input_linear" in name:
        kind = "shexp" if "shared_mlp" in name else "exps"
        for role, part in zip(("gate", "up"), np.split(value, 2, axis=-2), strict=True):
            yield f"blk.{layer}.ffn_{role}_{kind}.weight", part
    elif architecture in ("gpt-oss", "llama4") and ".experts." in name:
        turned = value if name.endswith("_bias") else value.swapaxes(1, 2)
        kind = ".bias" if name.endswith("_bias") else ".weight"
        if "gate_up" not in name:
            yield f"blk.{layer}.ffn_down_exps{kind}", turned
            return
        halves = (turned[:, ::2], turned[:, 1::2]) if architecture == "gpt-oss" else np.split(turned, 2, axis=1)
        for role, part in zip(("gate", "up"), halves, strict=True):
            yield f"blk.{layer}.ffn_{role}_exps{kind}", part
    elif ".act_fn." in name:
        return  # settings
    elif name.endswith("sinks"):
        yield f"{name}.weight", value
    elif name.endswith("expert_bias"):
        yield f"{name}.bias", value
    elif "shared_expert_gate" in name:
        yield name, value.reshape(-1)
    elif "conv.conv" in name:
        yield name, value[:, 0]
    else:
        yield name, value


def by_heads(value: Array, heads: int, kv_heads: int) -> Array:
    """Fused q, k and v of each kv head in turn as all q, all k, all v."""
    groups = value.reshape(kv_heads, heads // kv_heads + 2, -1, *value.shape[1:])
    parts = groups[:, :-2], groups[:, -2:-1], groups[:, -1:]
    return np.concatenate([part.reshape(-1, *value.shape[1:]) for part in parts])
