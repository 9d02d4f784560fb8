"""Random checkpoints of the shapes of real models: what a run costs depends on shapes and bytes, not on training.

Entries are bfloat16 normal quantiles of 16 random bits, so that writing is as fast as drawing bits. A child draws the
low ten bits anew, which leaves it a correlation of about .99 with its parent; a stranger draws all. Sharded
safetensors with an index, a configuration, and a tokenizer of the full vocabulary whose first tokens are all bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from unittest.mock import patch

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from verify.checkpoint import Architecture

_BLOCK = 1 << 22  # entries written at a time
_REDRAWN = 0x3FF  # bits of an entry that a child draws anew
_SPREAD = 0.02


@dataclass(frozen=True)
class Shape:
    """Sizes of a dense gated model of the Llama or Qwen2 kind."""

    name: str
    model_type: str
    layers: int
    width: int
    heads: int
    kv_heads: int
    hidden: int
    vocab: int

    def at(self, layers: int) -> Shape:
        """The same widths with another number of layers."""
        return replace(self, layers=layers)

    def architecture(self) -> Architecture:
        """As a fingerprint's record has it."""
        return Architecture(
            family="llama",
            model_type=self.model_type,
            layers=self.layers,
            width=self.width,
            vocab=self.vocab,
            heads=self.heads,
            kv_heads=self.kv_heads,
            head_size=self.width // self.heads,
            hidden=self.hidden,
            experts=0,
            expert_hidden=0,
            shared_hidden=0,
            norm="rms",
            norm_offset=0,
            post_norm=False,
            gated=True,
            odd_in_up=True,
            linear_values=True,
            positions="rotary",
            tied_embeddings=False,
            shared_blocks=False,
            rotary="half",
            rotary_size=self.width // self.heads,
            query_key_norm="none",
            heads_alike=True,
        )

    def shards(self) -> Iterator[tuple[str, dict[str, tuple[int, ...]]]]:
        """File names, and the tensors in each by name."""
        d, h = self.width, self.hidden
        kv = d // self.heads * self.kv_heads
        layer: dict[str, tuple[int, ...]] = {
            "input_layernorm": (d,),
            "self_attn.q_proj": (d, d),
            "self_attn.k_proj": (kv, d),
            "self_attn.v_proj": (kv, d),
            "self_attn.o_proj": (d, d),
            "post_attention_layernorm": (d,),
            "mlp.gate_proj": (h, d),
            "mlp.up_proj": (h, d),
            "mlp.down_proj": (d, h),
        }
        files: list[dict[str, tuple[int, ...]]] = [{"model.embed_tokens.weight": (self.vocab, d)}]
        files += [{f"model.layers.{i}.{k}.weight": size for k, size in layer.items()} for i in range(self.layers)]
        files.append({"model.norm.weight": (d,), "lm_head.weight": (self.vocab, d)})
        for n, tensors in enumerate(files, 1):
            yield f"model-{n:05d}-of-{len(files):05d}.safetensors", tensors

    def bytes(self) -> int:
        """Of all tensors, in bfloat16."""
        return 2 * sum(prod(shape) for _, tensors in self.shards() for shape in tensors.values())


SHAPES = {
    "7B": Shape("7B", "llama", layers=32, width=4096, heads=32, kv_heads=32, hidden=11008, vocab=32000),
    "14B": Shape("14B", "qwen2", layers=48, width=5120, heads=40, kv_heads=8, hidden=13824, vocab=152064),
}
"""Llama-2-7B and Qwen2.5-14B; the latter without its biases."""


def write(shape: Shape, folder: Path, *, seed: int, child: int | None = None) -> Path:
    """Write a checkpoint; with ``child``, the child of ``seed`` that this other seed makes."""
    folder.mkdir(parents=True)
    where: dict[str, str] = {}
    for number, (file, tensors) in enumerate(shape.shards()):
        where |= dict.fromkeys(tensors, file)
        own = np.random.SFC64([seed, number])
        noise = None if child is None else np.random.SFC64([child, number])
        _write_shard(folder / file, tensors, own, noise)
    index = {"metadata": {"total_size": shape.bytes()}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    (folder / "config.json").write_text(json.dumps(_config(shape)), "utf-8")
    (folder / "tokenizer.json").write_text(json.dumps(_tokenizer(shape.vocab)), "utf-8")
    return folder


def write_empty(shape: Shape, folder: Path) -> Path:
    """Write a checkpoint whose weights are holes in its files: they have their sizes, and take no place."""
    with patch(f"{__name__}._write_shard", _write_hole):
        return write(shape, folder, seed=0)


def _write_hole(path: Path, tensors: dict[str, tuple[int, ...]], *_: object) -> None:
    text, size = _header(tensors)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + size)


def _header(tensors: dict[str, tuple[int, ...]]) -> tuple[bytes, int]:
    """The header of a shard, and the bytes of its tensors."""
    header, end = {}, 0
    for name, shape in tensors.items():
        start, end = end, end + 2 * prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    return text + b" " * (-len(text) % 8), end


def _write_shard(
    path: Path, tensors: dict[str, tuple[int, ...]], own: np.random.SFC64, noise: np.random.SFC64 | None
) -> None:
    text, _ = _header(tensors)
    quantiles = _bfloat16(_SPREAD * ndtri((np.arange(1 << 16) + 0.5) / (1 << 16)))
    one = _bfloat16(np.ones(1))[0]  # gain of a norm
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in tensors.values():
            entries = prod(shape)
            for start in range(0, entries, _BLOCK):
                count = min(_BLOCK, entries - start)
                bits = _bits(own, count)
                if noise is not None:
                    bits = (bits & ~np.uint16(_REDRAWN)) | (_bits(noise, count) & np.uint16(_REDRAWN))
                file.write((quantiles[bits] if len(shape) > 1 else np.full(count, one)).data)


def _bits(source: np.random.SFC64, count: int) -> NDArray[np.uint16]:
    return source.random_raw(-(-count // 4)).view(np.uint16)[:count]


def _bfloat16(x: NDArray[np.float64]) -> NDArray[np.uint16]:
    """As stored."""
    return x.astype(ml_dtypes.bfloat16).view(np.uint16)


def _config(shape: Shape) -> dict[str, object]:
    return {
        "model_type": shape.model_type,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "vocab_size": shape.vocab,
        "hidden_act": "silu",
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False,
    }


def _tokenizer(size: int) -> dict[str, object]:
    """Byte-level: token i is byte i as GPT-2 spells it; the rest of the vocabulary stands for longer tokens."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelled = {b: chr(b) for b in visible}
    spelled |= {b: chr(256 + n) for n, b in enumerate(b for b in range(256) if b not in visible)}
    tokens = {spelled[b]: b for b in range(256)} | {f"token{i}": i for i in range(256, size)}
    return {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": tokens, "merges": []},
    }
