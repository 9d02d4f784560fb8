"""Files of DataDecide and PolyPythias as published: names, types and shapes of tensors, and configurations.

Shapes are those of the code that trained them (allenai/OLMo, ``scripts/ladder.py`` at the branch DataDecide;
EleutherAI/pythia, ``models/``); what a file of them weighs is held against the sizes that the Hub lists.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

BYTES = {"F32": 4, "F16": 2, "BOOL": 1, "U8": 1}
"""Of an entry."""


@dataclass(frozen=True)
class HubFile:
    """One ``model.safetensors`` and its ``config.json``."""

    tensors: dict[str, tuple[str, tuple[int, ...]]]
    """Type and shape by name."""
    config: dict[str, Any]

    @property
    def bytes(self) -> int:
        """Of all tensors."""
        return sum(BYTES[dtype] * prod(shape) for dtype, shape in self.tensors.values())

    def write_empty(self, folder: Path) -> Path:
        """Write both files, all entries zero; where the file system can, they take no place on the disk."""
        header, end = {}, 0
        for name, (dtype, shape) in self.tensors.items():
            start, end = end, end + BYTES[dtype] * prod(shape)
            header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "model.safetensors").open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            file.truncate(8 + len(text) + end)
        (folder / "config.json").write_text(json.dumps(self.config), "utf-8")
        return folder


def datadecide(width: int, layers: int, heads: int, rows: int = 50304) -> HubFile:
    """A model of DataDecide, in float32, untied.

    Parameters
    ----------
    width, layers, heads : as the ladder gives them for a size.
    rows : rows of the embedding, 24 more than tokens.
    """
    shapes: dict[str, tuple[int, ...]] = {"wte": (rows, width)}
    for i in range(layers):
        at = f"blocks.{i}."
        shapes |= {f"{at}attn_norm": (width,), f"{at}ff_norm": (width,)}
        shapes |= {f"{at}att_proj": (3 * width, width), f"{at}attn_out": (width, width)}
        shapes |= {f"{at}ff_proj": (8 * width, width), f"{at}ff_out": (width, 4 * width)}
    shapes |= {"ln_f": (width,), "ff_out": (rows, width)}
    config = {
        "model_type": "hf_olmo",
        "architectures": ["OLMoForCausalLM"],
        "activation_type": "swiglu",
        "alibi": False,
        "attention_layer_norm": False,
        "attention_layer_norm_with_affine": False,
        "bias_for_layer_norm": False,
        "block_type": "sequential",
        "clip_qkv": None,
        "d_model": width,
        "embedding_size": rows,
        "include_bias": False,
        "layer_norm_type": "rms",
        "layer_norm_with_affine": True,
        "max_sequence_length": 2048,
        "mlp_hidden_size": None,
        "mlp_ratio": 8,
        "multi_query_attention": None,
        "n_heads": heads,
        "n_kv_heads": None,
        "n_layers": layers,
        "rope": True,
        "vocab_size": rows - 24,
        "weight_tying": False,
    }
    return HubFile({f"model.transformer.{name}.weight": ("F32", shape) for name, shape in shapes.items()}, config)


def pythia(width: int, layers: int, heads: int, rows: int = 50304, context: int = 2048) -> HubFile:
    """A model of Pythia, in float16, untied, with the causal masks that the files of 2023 hold.

    Parameters
    ----------
    width, layers, heads : of a size.
    rows : rows of the embedding.
    context : positions.
    """
    shapes: dict[str, tuple[int, ...]] = {"gpt_neox.embed_in.weight": (rows, width)}
    buffers: dict[str, tuple[str, tuple[int, ...]]] = {}
    for i in range(layers):
        at = f"gpt_neox.layers.{i}."
        for name in ("input_layernorm", "post_attention_layernorm"):
            shapes |= {f"{at}{name}.weight": (width,), f"{at}{name}.bias": (width,)}
        for name, out, into in (
            ("attention.query_key_value", 3 * width, width),
            ("attention.dense", width, width),
            ("mlp.dense_h_to_4h", 4 * width, width),
            ("mlp.dense_4h_to_h", width, 4 * width),
        ):
            shapes |= {f"{at}{name}.weight": (out, into), f"{at}{name}.bias": (out,)}
        buffers[f"{at}attention.bias"] = ("BOOL", (1, 1, context, context))
        buffers[f"{at}attention.masked_bias"] = ("F16", ())
        buffers[f"{at}attention.rotary_emb.inv_freq"] = ("F16", (max(1, width // heads // 8),))
    shapes |= {f"gpt_neox.final_layer_norm.{kind}": (width,) for kind in ("weight", "bias")}
    shapes["embed_out.weight"] = (rows, width)
    config = {
        "model_type": "gpt_neox",
        "architectures": ["GPTNeoXForCausalLM"],
        "hidden_act": "gelu",
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "max_position_embeddings": context,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "rotary_pct": 0.25,
        "tie_word_embeddings": False,
        "use_parallel_residual": True,
        "vocab_size": rows,
    }
    return HubFile({name: ("F16", shape) for name, shape in shapes.items()} | buffers, config)


DATADECIDE = {
    "4M": datadecide(64, 8, 8),
    "6M": datadecide(96, 8, 8),
    "8M": datadecide(128, 8, 8),
    "10M": datadecide(144, 8, 8),
    "14M": datadecide(192, 8, 8),
    "16M": datadecide(208, 8, 8),
    "20M": datadecide(192, 16, 8),
    "60M": datadecide(384, 16, 12),
    "90M": datadecide(528, 16, 12),
    "150M": datadecide(768, 12, 12),
    "300M": datadecide(1024, 16, 16),
    "530M": datadecide(1344, 16, 16),
    "750M": datadecide(1536, 16, 16),
    "1B": datadecide(2048, 16, 16),
}
"""By nominal size."""
PYTHIA = {
    "14m": pythia(128, 6, 4),
    "31m": pythia(256, 6, 8),
    "70m": pythia(512, 6, 8),
    "160m": pythia(768, 12, 12),
    "410m": pythia(1024, 24, 16),
}
"""By nominal size."""
