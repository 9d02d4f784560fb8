"""A trained model as a folder that the library reads: stored names, ``config.json`` and a layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file

from verify import Location

from ..build import tokenizer, write
from ..texts import text_digest
from .design import STUDENT, Recipe
from .network import VOCAB, Network, Weights, shapes

_GLOBALS = {
    "embed": "model.embed_tokens",
    "position": "model.embed_positions",
    "norm_embed": "model.embed_norm",
    "norm_final": "model.norm",
    "unembed": "lm_head",
}
_LAYER = {
    "q": "self_attn.q_proj",
    "k": "self_attn.k_proj",
    "v": "self_attn.v_proj",
    "o": "self_attn.o_proj",
    "q_norm": "self_attn.q_norm",
    "k_norm": "self_attn.k_norm",
    "norm_attn": "input_layernorm",
    "norm_mlp": "post_attention_layernorm",
    "norm_out": "output_layernorm",
    "router": "mlp.router",
}
_MLP = ("gate", "up", "down")


def finished(out: Path, name: str) -> bool:
    """Whether the folder of a model is there: it appears whole or not at all."""
    return (out / name / "lineage.json").exists()


def location(folder: Path) -> Location:
    """A written model with its layout, for :func:`verify.fingerprint`."""
    return Location(str(folder), layout=str(folder / "layout.toml"))


def save(out: Path, recipe: Recipe, name: str, weights: Weights, loss: float) -> None:
    """Write a trained model, rounded to the precision of its recipe.

    Parameters
    ----------
    out : folder of all models.
    recipe : by which it was trained.
    name : of the model.
    weights : float32, with the shapes that :func:`benchmarks.zoo.twins.network.shapes` gives.
    loss : mean loss over the last tenth of its steps, in nats per byte.
    """
    student = name.endswith(f"-{STUDENT}")
    truth = {
        "name": name,
        "teacher": recipe.models[0] if student else None,
        "loss": loss,
        "recipe": recipe.to_dict(),
        "corpora_sha256": [text_digest(corpus) for corpus in recipe.corpora],
    }
    documents: dict[str, dict[str, Any] | str] = {
        "config.json": config(recipe.network),
        "tokenizer.json": tokenizer(np.arange(VOCAB)),
        "layout.toml": layout(recipe.network),
        "lineage.json": truth,
    }
    write(out, name, stored(recipe.network, weights), documents, recipe.precision)


def load(out: Path, recipe: Recipe, name: str) -> Weights:
    """The weights of a written model in single precision, as :func:`benchmarks.zoo.twins.train.train` gives them."""
    arrays = load_file(out / name / "model.safetensors")
    weights = {}
    for key, shape in shapes(recipe.network).items():
        parts = [arrays[part].astype(np.float32) for part in _names(recipe.network, key)]
        weights[key] = torch.from_numpy(np.stack(parts).reshape(shape))
    return weights


def stored(c: Network, weights: Weights) -> dict[str, np.ndarray]:
    """The arrays of a model by their names in the file, each expert by itself."""
    return {
        name: part
        for key, value in weights.items()
        for name, part in zip(
            _names(c, key), value.numpy() if key.split(".")[-2] in _MLP else [value.numpy()], strict=True
        )
    }


def _names(c: Network, key: str) -> list[str]:
    """Names in the file of a tensor, one for each expert."""
    *block, role, kind = key.split(".")
    if not block:
        return [f"{_GLOBALS[role]}.{kind}"]
    start = f"model.layers.{block[1]}."
    experts = range(c.experts) if role in _MLP and c.experts else [None]
    return [f"{start}{_module(role, expert)}.{kind}" for expert in experts]


def _module(role: str, expert: object) -> str:
    if role not in _MLP:
        return _LAYER[role]
    return f"mlp.{role}_proj" if expert is None else f"mlp.experts.{expert}.{role}_proj"


def config(c: Network) -> dict[str, Any]:
    """``config.json``: a model type that no table of the library knows, and counts."""
    return {
        "model_type": "twin",
        "vocab_size": VOCAB,
        "hidden_size": c.width,
        "intermediate_size": c.hidden,
        "num_hidden_layers": c.layers,
        "num_attention_heads": c.heads,
        "num_key_value_heads": c.kv_heads,
        "head_dim": c.head_size,
        "hidden_act": c.activation,
        "max_position_embeddings": c.context,
        "tie_word_embeddings": c.tied,
    }


def layout(c: Network) -> str:
    """The layout file of a network, which declares the symmetries that it has; see docs/layouts.md."""
    declared: dict[str, Any] = {
        "name": "twin-gated" if c.gated else "twin-plain",
        "norm": c.norm,
        "post_norm": c.post,
        "tied": c.tied,
        "positions": "none" if c.positions == "alibi" else c.positions,
        "query_key_norm": "gain" if c.query_key_norm else "none",
        "linear_values": True,
        "heads_alike": c.positions != "alibi",
        "odd_in_up": c.gated,
    }
    if c.positions == "rotary":
        declared |= {"rotary": "interleaved", "rotary_size": c.head_size}
    if c.experts:
        declared["expert_groups"] = 1
    tables: dict[str, dict[str, str]] = {"globals": {}, "layer": {}}
    for key in shapes(c):
        *block, role, kind = key.split(".")
        ending = "_bias" if kind == "bias" else ""
        if not block:
            tables["globals"][role + ending] = f"{_GLOBALS[role]}.{kind}"
        elif block[1] == "0":
            named = f"expert_{role}" if role in _MLP and c.experts else role
            module = _module(role, "{e}" if c.experts else None)
            tables["layer"][named + ending] = f"model.layers.{{i}}.{module}.{kind}"
    lines = [f"{key} = {json.dumps(value)}" for key, value in declared.items()]
    for title, slots in tables.items():
        lines += ["", f"[{title}]", *(f"{role} = {json.dumps(name)}" for role, name in slots.items())]
    return "\n".join(lines) + "\n"
