"""The matrices of a zoo model by what they do, whatever its family calls them, stores together or transposes.

A key is a role (``embed``), a layer and a role (``0.up``), or those with an expert (``0.expert_up.3``). Matrices are
[out, in]; DeepSeek's fused ones are divided into plain and turned rows (``k``, ``k_turned``) and rows of values.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..config import Config

Arrays = dict[str, NDArray[np.float32]]
Roles = dict[str, NDArray[np.float64]]

_DECODER = {
    "embed": "model.embed_tokens.weight",
    "unembed": "lm_head.weight",
    "norm_final": "model.norm.weight",
    "norm_attn": "model.layers.{i}.input_layernorm.weight",
    "norm_mlp": "model.layers.{i}.post_attention_layernorm.weight",
    "o": "model.layers.{i}.self_attn.o_proj.weight",
    **{role: f"model.layers.{{i}}.mlp.{role}_proj.weight" for role in ("gate", "up", "down")},
}
_LLAMA = _DECODER | {
    **{role: f"model.layers.{{i}}.self_attn.{role}_proj.weight" for role in "qkv"},
    **{role + "_bias": f"model.layers.{{i}}.self_attn.{role}_proj.bias" for role in "qkvo"},
    **{f"expert_{r}": f"model.layers.{{i}}.mlp.experts.{{e}}.{r}_proj.weight" for r in ("gate", "up", "down")},
    **{f"shared_{r}": f"model.layers.{{i}}.mlp.shared_expert.{r}_proj.weight" for r in ("gate", "up", "down")},
    "router": "model.layers.{i}.mlp.gate.weight",
    "router_scale": "model.layers.{i}.mlp.router_scale",
    "shared_router": "model.layers.{i}.mlp.shared_expert_gate.weight",
}
_DEEPSEEK = _DECODER | {
    "latent_and_turned": "model.layers.{i}.self_attn.kv_a_proj_with_mqa.weight",
    "latent_norm": "model.layers.{i}.self_attn.kv_a_layernorm.weight",
    "keys_and_values": "model.layers.{i}.self_attn.kv_b_proj.weight",
    "latent_query": "model.layers.{i}.self_attn.q_a_proj.weight",
    "latent_query_norm": "model.layers.{i}.self_attn.q_a_layernorm.weight",
    "queries": "model.layers.{i}.self_attn.q_b_proj.weight",
}
_GPT2 = {
    "embed": "transformer.wte.weight",
    "position": "transformer.wpe.weight",
    "norm_final": "transformer.ln_f.weight",
    "norm_final_bias": "transformer.ln_f.bias",
}
_BERT = {
    "embed": "bert.embeddings.word_embeddings.weight",
    "position": "bert.embeddings.position_embeddings.weight",
    "token_type": "bert.embeddings.token_type_embeddings.weight",
    "norm_embed": "bert.embeddings.LayerNorm.weight",
    "norm_embed_bias": "bert.embeddings.LayerNorm.bias",
    "transform": "cls.predictions.transform.dense.weight",
    "transform_bias": "cls.predictions.transform.dense.bias",
    "norm_transform": "cls.predictions.transform.LayerNorm.weight",
    "norm_transform_bias": "cls.predictions.transform.LayerNorm.bias",
    "unembed_bias": "cls.predictions.bias",
}
for _role, _name in {
    "norm_attn": "ln_1",
    "norm_mlp": "ln_2",
    "qkv": "attn.c_attn",
    "o": "attn.c_proj",
    "up": "mlp.c_fc",
    "down": "mlp.c_proj",
}.items():
    _GPT2 |= {_role: f"transformer.h.{{i}}.{_name}.weight", _role + "_bias": f"transformer.h.{{i}}.{_name}.bias"}
for _role, _name in {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "o": "attention.output.dense",
    "norm_mlp": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm_out": "output.LayerNorm",
}.items():
    _BERT |= {
        _role: f"bert.encoder.layer.{{i}}.{_name}.weight",
        _role + "_bias": f"bert.encoder.layer.{{i}}.{_name}.bias",
    }
_NAMES = {"gpt2": _GPT2, "bert": _BERT, "deepseek": _DEEPSEEK}


def roles(weights: Arrays, c: Config) -> Roles:
    """A model's matrices and vectors by role, in float64."""
    found = {key: weights[name].astype(np.float64) for key, name in _places(c) if name in weights}
    for i in range(c.layers):
        if c.family == "gpt2":
            for role in ("qkv", "o", "up", "down"):
                found[f"{i}.{role}"] = found[f"{i}.{role}"].T
            for suffix in ("", "_bias"):
                parts = np.split(found.pop(f"{i}.qkv{suffix}"), 3)
                found |= {f"{i}.{role}{suffix}": part for role, part in zip("qkv", parts, strict=True)}
        if c.family == "deepseek":
            latent = found.pop(f"{i}.latent_and_turned")
            found[f"{i}.latent"], found[f"{i}.k_turned"] = latent[: c.latent], latent[c.latent :]
            _divide(found, f"{i}.keys_and_values", (f"{i}.k", f"{i}.v"), c)
            _divide(found, f"{i}.queries", (f"{i}.q", f"{i}.q_turned"), c)
    return found


def stored(found: Roles, c: Config) -> Arrays:
    """The tensors of a model under their stored names, from its matrices by role."""
    found = dict(found)
    for i in range(c.layers):
        if c.family == "gpt2":
            for suffix in ("", "_bias"):
                found[f"{i}.qkv{suffix}"] = np.concatenate([found[f"{i}.{role}{suffix}"] for role in "qkv"])
            for role in ("qkv", "o", "up", "down"):
                found[f"{i}.{role}"] = found[f"{i}.{role}"].T
        if c.family == "deepseek":
            found[f"{i}.latent_and_turned"] = np.concatenate([found[f"{i}.latent"], found[f"{i}.k_turned"]])
            found[f"{i}.keys_and_values"] = _joined(found[f"{i}.k"], found[f"{i}.v"], c)
            found[f"{i}.queries"] = _joined(found[f"{i}.q"], found[f"{i}.q_turned"], c)
    return {name: found[key].astype(np.float32) for key, name in _places(c) if key in found}


def key_heads(c: Config) -> int:
    """Key-value heads."""
    return c.heads if c.family in ("gpt2", "bert", "deepseek") else c.kv_heads


def layer_norm(c: Config) -> bool:
    """Whether norms subtract a mean."""
    return c.family in ("gpt2", "bert")


def mlps(found: Roles, i: int) -> Iterator[tuple[str | None, str, str]]:
    """Keys of gate, up and down of every MLP of a layer; the gate is None where there is none."""
    ups = ("up", "expert_up", "shared_up")
    for up in [key for key in found if key.startswith(f"{i}.") and key.split(".")[1] in ups]:
        gate, down = (up.replace("up", role) for role in ("gate", "down"))
        yield (gate if gate in found else None), up, down


def readers(found: Roles, i: int) -> dict[str, list[str]]:
    """Keys of the matrices that read the stream in a layer, by the norm before them."""
    attention = ("q", "k", "v") if f"{i}.latent" not in found else ("latent", "k_turned", "latent_query")
    mlp = [key for gate, up, _ in mlps(found, i) for key in (gate, up) if key]
    routers = [key for key in (f"{i}.router", f"{i}.shared_router") if key in found]
    return {f"{i}.norm_attn": [f"{i}.{role}" for role in attention], f"{i}.norm_mlp": mlp + routers}


def writers(found: Roles, i: int) -> list[str]:
    """Keys of the matrices that write to the stream in a layer."""
    return [f"{i}.o", *(down for _, _, down in mlps(found, i))]


def _places(c: Config) -> Iterator[tuple[str, str]]:
    """Every key with the name under which it is stored; a model may lack some."""
    for role, name in _NAMES.get(c.family, _LLAMA).items():
        if "{i}" not in name:
            yield role, name
        for i in range(c.layers if "{i}" in name else 0):
            if "{e}" in name:
                yield from ((f"{i}.{role}.{e}", name.format(i=i, e=e)) for e in range(c.experts))
            else:
                yield f"{i}.{role}", name.format(i=i)


def _divide(found: Roles, key: str, parts: tuple[str, str], c: Config) -> None:
    """Split the rows of each head in two."""
    rows = found.pop(key)
    by_head = rows.reshape(c.heads, -1, rows.shape[1])
    found[parts[0]] = by_head[:, : c.head_size].reshape(-1, rows.shape[1])
    found[parts[1]] = by_head[:, c.head_size :].reshape(-1, rows.shape[1])


def _joined(first: NDArray[np.float64], second: NDArray[np.float64], c: Config) -> NDArray[np.float64]:
    parts = [x.reshape(c.heads, -1, x.shape[1]) for x in (first, second)]
    return np.concatenate(parts, axis=1).reshape(-1, first.shape[1])
