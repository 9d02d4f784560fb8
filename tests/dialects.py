"""Toys as other tools than transformers store them: converters written from each tool's own, not from the library."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.checkpoints import Array, Toy

Tensors = dict[str, Array]
WORDS = {"gate": "w1", "down": "w2", "up": "w3"}


@dataclass(frozen=True)
class Spoken:
    """A model as a tool stores it."""

    tensors: Tensors
    files: dict[str, Any] = field(default_factory=dict)
    """The tool's own settings: JSON by name of the file, or lines of YAML."""


def heads(model: Toy) -> tuple[int, int]:
    """Heads and kv heads."""
    found = model.config["num_attention_heads"]
    return found, model.config.get("num_key_value_heads", found)


def side_by_side(value: Array, number: int) -> Array:
    """Rows that rotate together next to each other: the ``_permute`` of torchtune."""
    halves = value.reshape(number, 2, len(value) // number // 2, *value.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(value.shape))


def grouped(q: Array, k: Array, v: Array, kv_heads: int) -> Array:
    """For each kv head its q heads, its k, its v: the ``cycled`` of LitGPT 0.4, and what Megatron trains."""
    parts = zip(*(np.split(one, kv_heads) for one in (q, k, v)), strict=True)
    return np.concatenate([piece for group in parts for piece in group])


def renamed(tensors: Tensors, table: dict[str, str]) -> Tensors:
    """Tensors under names in which parts were replaced, in order."""
    found: Tensors = {}
    for name, value in tensors.items():
        for old, new in table.items():
            name = re.sub(old, new, name)
        found[name] = value
    return found


def taken(model: Toy, *roles: str) -> tuple[dict[str, Tensors], Tensors]:
    """The tensors of some modules, as lists by what is common to their names; and all others."""
    found: dict[str, Tensors] = {}
    rest: Tensors = {}
    pattern = re.compile(r"(.*\.)(" + "|".join(roles) + r")\.(weight|bias)")
    for name, value in model.tensors.items():
        if match := pattern.fullmatch(name):
            found.setdefault(f"{match[1]}|{match[3]}", {})[match[2]] = value
        else:
            rest[name] = value
    return found, rest


def joined(
    model: Toy, roles: tuple[str, ...], into: str, how: Callable[..., Array] = lambda *x: np.concatenate(x)
) -> Toy:
    """The model with several modules in one."""
    found, rest = taken(model, *roles)
    for key, parts in found.items():
        at, _, kind = key.partition("|")
        rest[f"{at}{into}.{kind}"] = how(*(parts[role] for role in roles))
    return Toy(rest, model.config, model.canonical)


def unfused(model: Toy) -> Toy:
    """The same under Llama's names, of a model that has the same roles in fewer tensors."""
    names = {"embed": "model.embed_tokens", "norm_final": "model.norm", "unembed": "lm_head"}
    inside = {role: f"self_attn.{role}_proj" for role in "qkvo"}
    inside |= {role: f"mlp.{role}_proj" for role in ("gate", "up", "down")}
    inside |= {"norm_attn": "input_layernorm", "norm_mlp": "post_attention_layernorm"}
    tensors: Tensors = {}
    for (role, layer, _), value in model.canonical.items():
        own, kind = role.removesuffix("_bias"), "bias" if role.endswith("_bias") else "weight"
        tensors[f"{names[own]}.{kind}" if layer is None else f"model.layers.{layer}.{inside[own]}.{kind}"] = value
    return Toy(tensors, model.config, model.canonical)


QKV, GATED = ("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj")
LITGPT = {
    r"^model\.embed_tokens": "transformer.wte",
    r"^model\.norm\.": "transformer.ln_f.",
    r"^model\.layers": "transformer.h",
    r"self_attn\.o_proj": "attn.proj",
    r"self_attn\.(q|k)_norm": r"attn.norm_\1",
    r"self_attn": "attn",
    r"input_layernorm": "norm_1",
    r"block_sparse_moe": "mlp",
    r"gate_proj|w1": "fc_1",
    r"up_proj|w3": "fc_2",
    r"down_proj|w2": "proj",
}
PLAIN = LITGPT | {"post_attention_layernorm": "norm_2"}
SANDWICH = LITGPT | {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "norm_2",
    "post_feedforward_layernorm": "post_mlp_norm",
}


def litgpt(model: Toy, table: dict[str, str] = PLAIN, older: bool = False) -> Spoken:
    """By ``convert_hf_checkpoint.py``; the settings are those of ``save_config``."""
    number, kv = heads(model)
    one = joined(model, QKV, "attn", lambda *qkv: grouped(*qkv, kv)) if older else joined(model, QKV, "qkv")
    config = model.config
    settings = f"""attn_bias: {str("model.layers.0.self_attn.q_proj.bias" in model.tensors).lower()}
attention_logit_softcapping: null
bias: false
head_size: {config.get("head_dim", config.get("hidden_size", 0) // number)}
hf_config:
  name: toy
  org: acme
intermediate_size: {config.get("intermediate_size", 8)}
mlp_class_name: LLaMAMLP
n_embd: {config.get("hidden_size")}
n_expert: 0
n_head: {number}
n_layer: {config.get("num_hidden_layers")}
n_query_groups: {kv}
name: toy
norm_class_name: RMSNorm
norm_eps: 1.0e-05
parallel_residual: false
rope_interleave: false
rotary_percentage: 1.0
"""
    return Spoken(renamed(one.tensors, table), {"model_config.yaml": settings})


def litgpt_neox(model: Toy) -> Spoken:
    """GPT-NeoX by ``copy_weights_gpt_neox``."""
    inside = {"o": "attn.proj", "up": "mlp.fc", "down": "mlp.proj", "norm_attn": "norm_1", "norm_mlp": "norm_2"}
    outside = {"embed": "transformer.wte", "norm_final": "transformer.ln_f", "unembed": "lm_head"}
    tensors: Tensors = {}
    for (role, layer, _), value in model.canonical.items():
        own, kind = role.removesuffix("_bias"), "bias" if role.endswith("_bias") else "weight"
        if layer is None:
            tensors[f"{outside[own]}.{kind}"] = value
        elif own in inside:
            tensors[f"transformer.h.{layer}.{inside[own]}.{kind}"] = value
        elif own == "q":
            parts = [model.canonical[role.replace("q", one, 1), layer, None] for one in "qkv"]
            tensors[f"transformer.h.{layer}.attn.qkv.{kind}"] = np.concatenate(parts)
    return Spoken(tensors)


def meta(model: Toy) -> Spoken:
    """By ``_FROM_META`` of torchtune, the other way round."""
    number, kv = heads(model)
    tensors = dict(model.tensors)
    for name in tensors:
        for role, count in (("q", number), ("k", kv)):
            if f".{role}_proj." in name:
                tensors[name] = side_by_side(tensors[name], count)
    table = {
        r"^model\.embed_tokens": "tok_embeddings",
        r"^model\.": "",
        r"^lm_head": "output",
        r"self_attn\.(\w)_proj": r"attention.w\1",
        r"input_layernorm": "attention_norm",
        r"post_attention_layernorm": "ffn_norm",
        **{rf"mlp\.{role}_proj": f"feed_forward.{word}" for role, word in WORDS.items()},
    }
    config = model.config
    params = {
        "dim": config["hidden_size"],
        "n_layers": config["num_hidden_layers"],
        "n_heads": number,
        "n_kv_heads": kv,
        "vocab_size": -1,
        "multiple_of": 256,
        "norm_eps": 1e-5,
        "rope_theta": 500000.0,
    }
    return Spoken(renamed(tensors, table), {"params.json": params})


def torchtune(model: Toy) -> Spoken:
    """By ``hf_to_tune``; for Qwen by ``qwen2_hf_to_tune``, which leaves rows in their order."""
    table = {
        r"attention_norm\.weight": "sa_norm.scale",
        r"ffn_norm\.weight": "mlp_norm.scale",
        r"^norm\.weight": "norm.scale",
        r"attention\.wo": "attn.output_proj",
        r"attention\.w(\w)": r"attn.\1_proj",
        r"feed_forward": "mlp",
    }
    if model.config["model_type"] == "llama":
        return Spoken(renamed(meta(model).tensors, table))
    found = renamed(meta(model).tensors, table)
    for i in range(model.config["num_hidden_layers"]):
        for role in "qk":
            at = f"layers.{i}.attn.{role}_proj."
            for kind in ("weight", "bias"):
                stored = model.tensors.get(f"model.layers.{i}.self_attn.{role}_proj.{kind}")
                if stored is not None:
                    found[at + kind] = stored
    return Spoken(found)


def megatron(model: Toy, legacy: bool = False, in_one: bool = False, alone: bool = False) -> Spoken:
    """By ``loader_llama_mistral.py``; settings as NeMo writes them."""
    number, kv = heads(model)
    one = joined(joined(model, QKV, "qkv", lambda *qkv: grouped(*qkv, kv)), GATED, "gate_up")
    new = {
        r"^model\.embed_tokens": "embedding.word_embeddings",
        r"^model\.norm": "decoder.final_layernorm",
        r"^lm_head": "output_layer",
        r"^model\.layers": "decoder.layers",
        r"self_attn\.qkv": "self_attention.linear_qkv",
        r"self_attn\.o_proj": "self_attention.linear_proj",
        r"mlp\.gate_up": "mlp.linear_fc1",
        r"mlp\.down_proj": "mlp.linear_fc2",
    }
    inside = {
        r"input_layernorm\.": "self_attention.linear_qkv.layer_norm_",
        r"post_attention_layernorm\.": "mlp.linear_fc1.layer_norm_",
    }
    old = {
        r"^model\.embed_tokens": "language_model.embedding.word_embeddings",
        r"^model\.norm": "language_model.encoder.final_norm",
        r"^lm_head": "language_model.output_layer",
        r"^model\.layers": "language_model.encoder.layers",
        r"self_attn\.qkv": "self_attention.query_key_value",
        r"self_attn\.o_proj": "self_attention.dense",
        r"mlp\.gate_up": "mlp.dense_h_to_4h",
        r"mlp\.down_proj": "mlp.dense_4h_to_h",
        r"input_layernorm": "input_norm",
        r"post_attention_layernorm": "post_attention_norm",
    }
    beside = new | {r"post_attention_layernorm": "pre_mlp_layernorm"}
    tensors = renamed(one.tensors, old if legacy else beside if alone else new | inside)
    if in_one:
        layers = {name: value for name, value in tensors.items() if ".layers." in name}
        tensors = {name: value for name, value in tensors.items() if name not in layers}
        for name in layers:
            if ".layers.0." in name:
                each = [layers[name.replace(".0.", f".{i}.")] for i in range(model.config["num_hidden_layers"])]
                tensors[name.replace(".layers.0.", ".layers.")] = np.stack(each)
    settings = f"""num_layers: {model.config["num_hidden_layers"]}
hidden_size: {model.config["hidden_size"]}
ffn_hidden_size: {model.config["intermediate_size"]}
num_attention_heads: {number}
num_query_groups: {kv}
kv_channels: null
normalization: rmsnorm
activation: fast-swiglu
position_embedding_type: rope
rotary_percentage: 1.0
"""
    return Spoken(tensors, {"model_config.yaml": settings})


def olmo_core(model: Toy) -> Spoken:
    """By ``HF_TO_OLMO_CORE_WEIGHT_MAPPINGS``, with ``config.json`` as ``as_config_dict`` gives it."""
    after = model.config["model_type"] == "olmo2"
    norms = ("post_attention_layernorm", "post_feedforward_layernorm") if after else ("input_layernorm", "post_att")
    table = {
        r"^model\.embed_tokens": "embeddings",
        r"^model\.norm": "lm_head.norm",
        r"^lm_head\.weight": "lm_head.w_out.weight",
        r"^model\.layers": "blocks",
        r"self_attn\.o_proj": "attention.w_out",
        r"self_attn\.(\w)_proj": r"attention.w_\1",
        r"self_attn": "attention",
        rf"{norms[0]}\w*": "attention_norm",
        rf"{norms[1]}\w*": "feed_forward_norm",
        **{rf"mlp\.{role}_proj": f"feed_forward.{word}" for role, word in WORDS.items()},
    }
    number, kv = heads(model)
    norm = {"name": "rms", "eps": 1e-5, "bias": False, "_CLASS_": "olmo_core.nn.layer_norm.LayerNormConfig"}
    attention = {"name": "default", "n_heads": number, "n_kv_heads": kv, "bias": False, "type": "attention"}
    attention |= {
        "rope": {"name": "default", "theta": 500000, "partial_rotary_factor": 1.0},
        "attention_sinks": False,
    }
    block = {
        "name": "reordered_norm" if after else "default",
        "sequence_mixer": attention | ({"qk_norm": norm} if after else {}),
        "layer_norm": norm,
        "feed_forward": {"hidden_size": model.config["intermediate_size"], "activation": "silu", "bias": False},
    }
    sizes = {"d_model": model.config["hidden_size"], "n_layers": model.config["num_hidden_layers"], "vocab_size": 30}
    said = {"model": {**sizes, "block": block, "name": "default"}, "trainer": {"save_folder": "out"}}
    return Spoken(renamed(model.tensors, table), {"config.json": said})


def olmo(model: Toy) -> Spoken:
    """What ``hf_olmo`` wraps, with ``config.yaml`` of the whole run."""
    tensors = {name.removeprefix("model."): value for name, value in model.tensors.items()}
    said = {key: value for key, value in model.config.items() if key not in ("model_type", "embedding_size")}
    lines = [f"  {key}: {json.dumps(value)}" for key, value in (said | {"block_type": "sequential"}).items()]
    text = "\n".join(
        ["run_name: toy", "model:", *lines, "  initializer:", "    d_model: 5", "optimizer:", "  name: adamw"]
    )
    return Spoken(tensors, {"config.yaml": text})


def nanogpt(model: Toy) -> Spoken:
    """``nn.Linear`` where the Hub has Conv1D; the head is the embedding."""
    tensors = {
        f"transformer.{name}": value.T if re.search(r"\.c_\w+\.weight$", name) else value
        for name, value in model.tensors.items()
    }
    return Spoken(tensors)


def timm(model: Toy) -> Spoken:
    """``vit_small_patch16_224`` with another number of heads, which ``model_args`` say."""
    one = joined(model, ("query", "key", "value"), "qkv")
    table = {
        r"^vit\.": "",
        r"^embeddings\.cls_token": "cls_token",
        r"^embeddings\.position_embeddings": "pos_embed",
        r"^embeddings\.patch_embeddings\.projection": "patch_embed.proj",
        r"^layernorm": "norm",
        r"^classifier": "head",
        r"^encoder\.layer": "blocks",
        r"attention\.attention\.qkv": "attn.qkv",
        r"attention\.output\.dense": "attn.proj",
        r"intermediate\.dense": "mlp.fc1",
        r"output\.dense": "mlp.fc2",
        r"layernorm_before": "norm1",
        r"layernorm_after": "norm2",
    }
    said = {"architecture": "vit_small_patch16_224", "model_args": {"num_heads": heads(model)[0]}}
    return Spoken(renamed(one.tensors, table), {"config.json": said})


def open_clip(text: Toy, image: Toy, custom: bool = False) -> Spoken:
    """Both towers; with ``custom``, the one of text is a module of its own."""
    table = {
        r"self_attn\.in_proj\.": "attn.in_proj_",
        r"self_attn\.out_proj": "attn.out_proj",
        r"\.layer_norm(\d)": r".ln_\1",
        r"mlp\.fc1": "mlp.c_fc",
        r"mlp\.fc2": "mlp.c_proj",
        r"encoder\.layers": "transformer.resblocks",
        r"^text_model\.": "text." if custom else "",
        r"^vision_model\.": "visual.",
        r"embeddings\.token_embedding": "token_embedding",
        r"embeddings\.class_embedding": "class_embedding",
        r"embeddings\.patch_embedding": "conv1",
        r"embeddings\.position_embedding\.weight": "positional_embedding",
        r"final_layer_norm": "ln_final",
        r"pre_layrnorm": "ln_pre",
        r"post_layernorm": "ln_post",
        r"^text_projection\.weight": "text.text_projection" if custom else "text_projection",
        r"^visual_projection\.weight": "visual.proj",
    }
    tensors: Tensors = {}
    for model in (text, image):
        tensors |= renamed(joined(model, QKV, "in_proj").tensors, table)
    for name in tensors:
        if name.endswith(("text_projection", "visual.proj")):
            tensors[name] = tensors[name].T
    layers, width = image.config["num_hidden_layers"], image.config["hidden_size"]
    vision = {"layers": layers, "width": width, "head_width": width // heads(image)[0], "patch_size": 4}
    words = {"layers": layers, "width": width, "heads": heads(text)[0], "vocab_size": 30, "context_length": 8}
    said = {"model_cfg": {"embed_dim": 4, "vision_cfg": vision, "text_cfg": words}, "preprocess_cfg": {}}
    return Spoken(tensors, {"open_clip_config.json": said})


def sliced(spoken: Spoken, number: int, embedding: int) -> list[Tensors]:
    """Meta's tensors as ranks of model parallelism hold them; its older code splits the width of the embedding."""
    found: list[Tensors] = [{} for _ in range(number)]
    for name, value in spoken.tensors.items():
        word = name.split(".")[-2]
        if word.endswith("norm"):
            parts = [value] * number
        else:
            axis = embedding if word == "tok_embeddings" else 1 if word in ("wo", "w2") else 0
            parts = np.split(value, number, axis)
        for rank, part in zip(found, parts, strict=True):
            rank[name] = part
    return found
