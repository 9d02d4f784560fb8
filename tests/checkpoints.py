"""Toy checkpoints: the published tensor names and shapes of each family at toy width, with random weights.

The names are written out here, not taken from the library's tables, so that the tables are proved
against them. ``canonical`` holds what a reader must return; ``tensors`` what lies in the file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

Array = NDArray[np.float32]
DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": ml_dtypes.bfloat16}
FAMILY_NAMES = ("llama", "qwen3", "qwen2_moe", "pangu_pro_moe", "gpt2", "bert")

WIDTH, LAYERS, VOCAB, HEADS, KV_HEADS, HEAD_SIZE = 16, 2, 30, 4, 2, 4
HIDDEN, EXPERTS, EXPERT_HIDDEN, SHARED_HIDDEN = 20, 3, 6, 10
WITHOUT_HEADS = {"heads": 0, "kv_heads": 0, "head_size": 0, "linear_values": False}
WITHOUT_HEADS |= {"rotary": "", "rotary_size": 0, "query_key_norm": "unknown", "heads_alike": False}
"""What an architecture is where its heads are not known."""


@dataclass(frozen=True)
class Toy:
    """A model as stored (``tensors`` by name, ``config``) and as meant (``canonical`` by role, layer, expert)."""

    tensors: dict[str, Array]
    config: dict[str, Any]
    canonical: dict[tuple[str, int | None, int | None], Array]

    def prefixed(self, prefix: str) -> Toy:
        """The same model with every stored name prefixed."""
        return replace(self, tensors={prefix + name: value for name, value in self.tensors.items()})

    def without(self, *names: str) -> Toy:
        """The same model with some stored tensors missing."""
        return replace(self, tensors={n: v for n, v in self.tensors.items() if n not in names})

    def adding(self, **tensors: Array) -> Toy:
        """The same model with more stored tensors."""
        return replace(self, tensors=self.tensors | tensors)

    def configured(self, **changes: Any) -> Toy:
        """The same model with other entries in config.json; None removes one."""
        config = {key: value for key, value in (self.config | changes).items() if value is not None}
        return replace(self, config=config)


def toy(family: str = "llama", seed: int = 0, dense_layers: tuple[int, ...] = ()) -> Toy:
    """A toy model of one of ``FAMILY_NAMES``; ``dense_layers`` of a mixture of experts have a plain MLP."""
    build = _Builder(np.random.default_rng(seed))
    if family == "gpt2":
        return _gpt2(build)
    if family == "bert":
        return _bert(build)
    return _llama_like(build, family, dense_layers)


def write_checkpoint(
    folder: Path, model: Toy, dtype: str = "F32", shards: int = 1, files: dict[str, str] | None = None
) -> Path:
    """Write a checkpoint folder, with an index where ``shards`` > 1 and extra text ``files``; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    stored = {name: value.astype(DTYPES[dtype], order="C") for name, value in model.tensors.items()}
    (folder / "config.json").write_text(json.dumps(model.config))
    if shards == 1:
        save_file(stored, folder / "model.safetensors")
    else:
        weight_map = {
            name: f"model-{1 + i % shards:05}-of-{shards:05}.safetensors" for i, name in enumerate(sorted(stored))
        }
        for file in set(weight_map.values()):
            save_file({n: v for n, v in stored.items() if weight_map[n] == file}, folder / file)
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    for name, text in (files or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def raw_safetensors(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file byte by byte: a header (bytes, or anything JSON can say), and a length that may lie."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


class _Builder:
    """Collects tensors under their stored name and their canonical place."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator
        self.tensors: dict[str, Array] = {}
        self.canonical: dict[tuple[str, int | None, int | None], Array] = {}

    def add(
        self, name: str, role: str, shape: tuple[int, ...], layer: int | None = None, expert: int | None = None
    ) -> None:
        value = self.draw(*shape)
        self.tensors[name] = self.canonical[role, layer, expert] = value

    def draw(self, *shape: int) -> Array:
        return self.generator.standard_normal(shape).astype(np.float32)


def _llama_like(build: _Builder, family: str, dense_layers: tuple[int, ...]) -> Toy:
    rows = {"q": HEADS * HEAD_SIZE, "k": KV_HEADS * HEAD_SIZE, "v": KV_HEADS * HEAD_SIZE, "o": WIDTH}
    biased = {"qwen2_moe": "qkv", "pangu_pro_moe": "qkvo"}.get(family, "")
    routed = family in ("qwen2_moe", "pangu_pro_moe")
    build.add("model.embed_tokens.weight", "embed", (VOCAB, WIDTH))
    build.add("model.norm.weight", "norm_final", (WIDTH,))
    build.add("lm_head.weight", "unembed", (VOCAB, WIDTH))
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        for role, size in rows.items():
            build.add(f"{at}self_attn.{role}_proj.weight", role, (size, WIDTH), i)
            if role in biased:
                build.add(f"{at}self_attn.{role}_proj.bias", f"{role}_bias", (size,), i)
        build.add(f"{at}input_layernorm.weight", "norm_attn", (WIDTH,), i)
        build.add(f"{at}post_attention_layernorm.weight", "norm_mlp", (WIDTH,), i)
        if family == "qwen3":
            build.add(f"{at}self_attn.q_norm.weight", "q_norm", (HEAD_SIZE,), i)
            build.add(f"{at}self_attn.k_norm.weight", "k_norm", (HEAD_SIZE,), i)
        if not routed or i in dense_layers:
            _gated(build, f"{at}mlp.", "", HIDDEN, i)
            continue
        build.add(f"{at}mlp.gate.weight", "router", (EXPERTS, WIDTH), i)
        for e in range(EXPERTS):
            _gated(build, f"{at}mlp.experts.{e}.", "expert_", EXPERT_HIDDEN, i, e)
        _gated(build, f"{at}mlp.shared_expert.", "shared_", SHARED_HIDDEN, i)
        if family == "qwen2_moe":
            build.add(f"{at}mlp.shared_expert_gate.weight", "shared_router", (1, WIDTH), i)
        else:
            build.add(f"{at}mlp.router_scale", "router_scale", (1, EXPERTS), i)
    config = {
        "model_type": {"pangu_pro_moe": "PanguProMoE"}.get(family, family),
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "intermediate_size": HIDDEN,
        "vocab_size": VOCAB,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
    }
    if routed:
        config |= {
            "num_experts": EXPERTS,
            "moe_intermediate_size": EXPERT_HIDDEN,
            "shared_expert_intermediate_size": SHARED_HIDDEN,
        }
    return Toy(build.tensors, config, build.canonical)


def _gated(build: _Builder, at: str, prefix: str, hidden: int, layer: int, expert: int | None = None) -> None:
    for role, shape in (("gate", (hidden, WIDTH)), ("up", (hidden, WIDTH)), ("down", (WIDTH, hidden))):
        build.add(f"{at}{role}_proj.weight", prefix + role, shape, layer, expert)


def _gpt2(build: _Builder) -> Toy:
    """Conv1D keeps weights [in, out]; q, k and v are fused into one of [in, 3 width]."""
    build.add("wte.weight", "embed", (VOCAB, WIDTH))
    build.add("wpe.weight", "position", (8, WIDTH))
    _layer_norm(build, "ln_f", "norm_final")
    for i in range(LAYERS):
        parts, biases = [build.draw(WIDTH, WIDTH) for _ in "qkv"], [build.draw(WIDTH) for _ in "qkv"]
        for role, part, bias in zip("qkv", parts, biases, strict=True):
            build.canonical[role, i, None], build.canonical[f"{role}_bias", i, None] = part, bias
        build.tensors[f"h.{i}.attn.c_attn.weight"] = np.concatenate([part.T for part in parts], axis=1)
        build.tensors[f"h.{i}.attn.c_attn.bias"] = np.concatenate(biases)
        for role, name, shape in (
            ("o", "attn.c_proj", (WIDTH, WIDTH)),
            ("up", "mlp.c_fc", (HIDDEN, WIDTH)),
            ("down", "mlp.c_proj", (WIDTH, HIDDEN)),
        ):
            build.add(f"h.{i}.{name}.weight", role, shape, i)
            build.tensors[f"h.{i}.{name}.weight"] = build.canonical[role, i, None].T
            build.add(f"h.{i}.{name}.bias", f"{role}_bias", shape[:1], i)
        _layer_norm(build, f"h.{i}.ln_1", "norm_attn", i)
        _layer_norm(build, f"h.{i}.ln_2", "norm_mlp", i)
    config = {
        "model_type": "gpt2",
        "n_embd": WIDTH,
        "n_layer": LAYERS,
        "n_head": HEADS,
        "n_inner": HIDDEN,
        "vocab_size": VOCAB,
        "activation_function": "gelu_new",
    }
    return Toy(build.tensors, config, build.canonical)


def _bert(build: _Builder) -> Toy:
    build.add("embeddings.word_embeddings.weight", "embed", (VOCAB, WIDTH))
    build.add("embeddings.position_embeddings.weight", "position", (8, WIDTH))
    build.tensors["embeddings.token_type_embeddings.weight"] = build.draw(2, WIDTH)
    build.tensors["pooler.dense.weight"] = build.draw(WIDTH, WIDTH)
    _layer_norm(build, "embeddings.LayerNorm", "norm_embed")
    for i in range(LAYERS):
        at = f"encoder.layer.{i}."
        for role, name, shape in (
            ("q", "attention.self.query", (WIDTH, WIDTH)),
            ("k", "attention.self.key", (WIDTH, WIDTH)),
            ("v", "attention.self.value", (WIDTH, WIDTH)),
            ("o", "attention.output.dense", (WIDTH, WIDTH)),
            ("up", "intermediate.dense", (HIDDEN, WIDTH)),
            ("down", "output.dense", (WIDTH, HIDDEN)),
        ):
            build.add(f"{at}{name}.weight", role, shape, i)
            build.add(f"{at}{name}.bias", f"{role}_bias", shape[:1], i)
        _layer_norm(build, f"{at}attention.output.LayerNorm", "norm_mlp", i)
        _layer_norm(build, f"{at}output.LayerNorm", "norm_out", i)
    config = {
        "model_type": "bert",
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": HIDDEN,
        "vocab_size": VOCAB,
        "hidden_act": "gelu",
    }
    return Toy(build.tensors, config, build.canonical)


def _layer_norm(build: _Builder, name: str, role: str, layer: int | None = None) -> None:
    build.add(f"{name}.weight", role, (WIDTH,), layer)
    build.add(f"{name}.bias", f"{role}_bias", (WIDTH,), layer)
