"""Image towers of timm at toy width, by the names of their architectures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

try:
    import timm
    from timm.models import save_for_hf
except ImportError:  # then none is built
    timm = None

_FIRST = "timm:"
_PLAIN = {"img_size": 32, "embed_dim": 48, "depth": 2, "num_classes": 7, "num_heads": 4}
_WIDE = _PLAIN | {"img_size": 42}
SIZES: dict[str, dict[str, Any]] = {
    "vit_base_patch16_siglip_224": _PLAIN | {"num_classes": 0},
    "vit_base_patch16_siglip_gap_224": _PLAIN,
    "vit_base_patch16_clip_224": _PLAIN,
    "vit_betwixt_patch16_reg4_gap_256": _PLAIN,
    "deit3_base_patch16_224": _PLAIN,
    "beit_base_patch16_224": _PLAIN,
    "eva_large_patch14_196": _WIDE,
    "eva_giant_patch14_224": _WIDE,
    "eva02_tiny_patch14_224": _WIDE,
    "eva02_base_patch14_224": _WIDE,
    "eva02_base_patch16_clip_224": _PLAIN,
    "vit_base_patch16_dinov3": _PLAIN | {"embed_dim": 64},
    "vit_base_patch16_dinov3_qkvb": _PLAIN | {"embed_dim": 64},
    "vit_small_plus_patch16_dinov3": _PLAIN | {"embed_dim": 64},
    "convnextv2_atto": {"depths": (1, 1, 2, 1), "dims": (16, 24, 32, 48), "num_classes": 7},
    "convnextv2_base": {"depths": (1, 1, 2, 1), "dims": (16, 24, 32, 48), "num_classes": 7},
    "hiera_tiny_224": {"img_size": (64, 64), "embed_dim": 16, "num_heads": 1, "stages": (1, 1, 2, 1)},
}
"""Arguments of each architecture."""

TYPES = () if timm is None else tuple(f"{_FIRST}{name}" for name in sorted(SIZES))


def build(name: str) -> nn.Module:
    """A model of an architecture."""
    name = name.removeprefix(_FIRST)
    model: nn.Module = timm.create_model(name, **SIZES[name]).eval()
    model.census = name
    return model


def save(model: nn.Module, folder: Path) -> None:
    """Write a model as timm does."""
    save_for_hf(model, folder, safe_serialization=True, model_args=SIZES[str(model.census)])


def load(folder: Path) -> nn.Module:
    """The model in a folder."""
    from safetensors.torch import load_file

    model = build(json.loads((folder / "config.json").read_text("utf-8"))["architecture"])
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model


def inputs(model: nn.Module) -> dict[str, Any]:
    """Random images."""
    size = SIZES[str(model.census)].get("img_size", 64)
    size = size if isinstance(size, int) else size[0]
    images: Tensor = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    return {"x": images}
