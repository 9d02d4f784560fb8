"""Denoisers of Diffusers at toy width: transformers and U-Nets, by the names of their classes."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

try:
    import diffusers
except ImportError:  # then none is built
    diffusers = None

from .numbers import WEIGHTS

_DIT = {"num_layers": 2, "num_attention_heads": 4, "attention_head_dim": 8, "in_channels": 4}
_IMAGES = _DIT | {"patch_size": 2, "sample_size": 8}
SIZES: dict[str, dict[str, Any]] = {
    "SD3Transformer2DModel": _IMAGES
    | {"joint_attention_dim": 32, "caption_projection_dim": 32, "pooled_projection_dim": 16, "out_channels": 4},
    "FluxTransformer2DModel": _DIT
    | {"patch_size": 1, "num_single_layers": 1, "joint_attention_dim": 16, "pooled_projection_dim": 16}
    | {"axes_dims_rope": (4, 2, 2)},
    "Flux2Transformer2DModel": _DIT
    | {"patch_size": 1, "num_single_layers": 1, "joint_attention_dim": 16, "axes_dims_rope": (2, 2, 2, 2)},
    "QwenImageTransformer2DModel": _DIT
    | {"patch_size": 2, "in_channels": 16, "out_channels": 4, "joint_attention_dim": 16, "axes_dims_rope": (4, 2, 2)},
    "PixArtTransformer2DModel": _IMAGES
    | {"cross_attention_dim": 32, "caption_channels": 24, "norm_type": "ada_norm_single"},
    "DiTTransformer2DModel": _IMAGES | {"out_channels": 8, "num_embeds_ada_norm": 10},
    "WanTransformer3DModel": _DIT
    | {"patch_size": (1, 2, 2), "out_channels": 4, "text_dim": 16, "freq_dim": 32, "ffn_dim": 48},
    "CogVideoXTransformer3DModel": _DIT
    | {"patch_size": 2, "out_channels": 4, "time_embed_dim": 16, "text_embed_dim": 24, "max_text_seq_length": 6}
    | {"sample_width": 8, "sample_height": 8, "sample_frames": 5},
    "LTXVideoTransformer3DModel": _DIT | {"out_channels": 4, "cross_attention_dim": 32, "caption_channels": 24},
    "HunyuanVideoTransformer3DModel": _DIT
    | {"out_channels": 4, "num_single_layers": 1, "num_refiner_layers": 1, "patch_size": 2, "patch_size_t": 1}
    | {"text_embed_dim": 16, "pooled_projection_dim": 8, "rope_axes_dim": (4, 2, 2)},
    "AuraFlowTransformer2DModel": _IMAGES
    | {"num_mmdit_layers": 1, "num_single_dit_layers": 2, "caption_projection_dim": 32, "joint_attention_dim": 32}
    | {"out_channels": 4, "pos_embed_max_size": 64},
    "Lumina2Transformer2DModel": {"sample_size": 8, "num_layers": 2, "num_refiner_layers": 1, "hidden_size": 24}
    | {"num_attention_heads": 3, "num_kv_heads": 1, "multiple_of": 16, "axes_dim_rope": (4, 2, 2)}
    | {"axes_lens": (16, 16, 16), "cap_feat_dim": 16, "in_channels": 4},
    "UNet2DConditionModel": {"sample_size": 8, "block_out_channels": (16, 32), "layers_per_block": 1}
    | {
        "cross_attention_dim": 24,
        "norm_num_groups": 8,
        "attention_head_dim": 8,
        "transformer_layers_per_block": (1, 2),
    }
    | {"down_block_types": ("CrossAttnDownBlock2D",) * 2, "up_block_types": ("CrossAttnUpBlock2D",) * 2},
}
"""Arguments of each class."""

TYPES = () if diffusers is None else tuple(sorted(SIZES))


def build(name: str) -> nn.Module:
    """A model of a class."""
    sizes, kind = SIZES[name], getattr(diffusers, name)
    known = inspect.signature(kind).parameters
    model: nn.Module = kind(**{key: value for key, value in sizes.items() if key in known}).eval()
    return model


def save(model: nn.Module, folder: Path) -> None:
    """Write a model as Diffusers does, but for the name of the file."""
    model.save_pretrained(folder)  # type: ignore[operator]
    (folder / "diffusion_pytorch_model.safetensors").rename(folder / WEIGHTS)


def load(kind: type, folder: Path) -> nn.Module:
    """The model in a folder."""
    from safetensors.torch import load_file

    model: nn.Module = kind.from_config(json.loads((folder / "config.json").read_text("utf-8")))  # type: ignore[attr-defined]
    model.load_state_dict(load_file(folder / WEIGHTS))
    return model.eval()


def inputs(model: nn.Module) -> dict[str, Any]:
    """Random inputs by the names that a class gives them."""
    g, kind, config = torch.Generator().manual_seed(0), type(model).__name__, model.config
    sizes: Mapping[str, Any] = config  # type: ignore[assignment]

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g)

    def text(*entries: str) -> Tensor:
        return noise(2, 6, next(sizes[entry] for entry in entries if sizes.get(entry)))

    video = {"WanTransformer3DModel": (2, 4, 2, 8, 8), "HunyuanVideoTransformer3DModel": (2, 4, 2, 8, 8)}
    video |= {"CogVideoXTransformer3DModel": (2, 2, 4, 8, 8), "LTXVideoTransformer3DModel": (2, 8, 4)}
    video |= dict.fromkeys(("FluxTransformer2DModel", "Flux2Transformer2DModel"), (2, 4, 4))
    video |= {"QwenImageTransformer2DModel": (2, 4, 16)}
    seen = noise(*video.get(kind, (2, 4, 8, 8)))
    words = ("caption_channels", "text_dim", "text_embed_dim", "joint_attention_dim", "cap_feat_dim")
    axes = 4 if kind == "Flux2Transformer2DModel" else 3
    made: dict[str, Any] = {
        "hidden_states": seen,
        "sample": seen,
        "timestep": torch.tensor([3, 5]),
        "class_labels": torch.tensor([1, 2]),
        "encoder_attention_mask": torch.ones(2, 6, dtype=torch.bool),
        "encoder_hidden_states_mask": torch.ones(2, 6, dtype=torch.bool),
        "pooled_projections": noise(2, sizes.get("pooled_projection_dim") or 1),
        "img_ids": torch.cartesian_prod(*[torch.arange(2.0)] * 2, *[torch.zeros(1)] * (axes - 2)),
        "txt_ids": torch.zeros(6, axes),
        "img_shapes": [[(1, 2, 2)]] * 2,
        "num_frames": 2,
        "height": 2,
        "width": 2,
        "return_dict": False,
    }
    if kind != "DiTTransformer2DModel":
        made["encoder_hidden_states"] = text(*words, "cross_attention_dim")
    if sizes.get("guidance_embeds"):
        made["guidance"] = torch.tensor([3.0, 3.0])
    if kind == "PixArtTransformer2DModel":
        made |= {"added_cond_kwargs": {"resolution": None, "aspect_ratio": None}}
    takes = inspect.signature(model.forward).parameters
    return {key: value for key, value in made.items() if key in takes}
