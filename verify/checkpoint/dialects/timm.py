"""timm: plain vision transformers with q, k and v in one tensor, in thirds.

Only architectures whose number of heads the name tells are read. Source: ``timm/models/vision_transformer.py``;
``config.json`` has no ``model_type``.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import Any

from .dialect import Dialect, Names, Settings, fused, modules

_VIT = re.compile(r"(?:vit|deit)_(tiny|small|base|large)_patch[0-9]+_[0-9]+(?:_in21k)?")
_DINOV2 = re.compile(r"vit_(small|base|large)_patch14_(?:reg4_)?dinov2")
_DINOV2_GATED = re.compile(r"vit_(giant)_patch14_(?:reg4_)?dinov2")
_HEADS = {"tiny": 3, "small": 6, "base": 12, "large": 16, "giant": 24}
"""Of the architectures that the patterns name."""
_WITHOUT_EFFECT = {
    *("num_classes", "img_size", "patch_size", "in_chans", "embed_dim", "depth", "num_heads", "mlp_ratio"),
    *("drop_rate", "drop_path_rate", "global_pool", "dynamic_img_size", "dynamic_img_pad", "init_values"),
}


def _said(model_type: str, pattern: re.Pattern[str], settings: Settings) -> dict[str, Any] | None:
    match = pattern.fullmatch(str(settings.get("architecture"))[:100])
    changed = settings.get("model_args") or {}
    if match is None or not isinstance(changed, dict) or not changed.keys() <= _WITHOUT_EFFECT:
        return None
    heads = changed.get("num_heads", _HEADS[match[1]])
    return {"model_type": model_type, "num_attention_heads": heads} if type(heads) is int and heads > 0 else None


def _attention(hub: str) -> Names:
    parts = [f"{hub}attention.attention.{role}" for role in ("query", "key", "value")]
    return fused("blocks.{i}.attn.qkv", *parts) | modules({f"{hub}attention.output.dense": "blocks.{i}.attn.proj"})


_AT, _IN = "vit.encoder.layer.{i}.", "encoder.layer.{i}."
TIMM_VIT = Dialect(
    name="timm (vit)",
    model_types=(),
    names={
        "vit.embeddings.cls_token": "cls_token",
        "vit.embeddings.position_embeddings": "pos_embed",
        **_attention(_AT),
        **modules(
            {
                "vit.embeddings.patch_embeddings.projection": "patch_embed.proj",
                "vit.layernorm": "norm",
                "classifier": "head",
                f"{_AT}intermediate.dense": "blocks.{i}.mlp.fc1",
                f"{_AT}output.dense": "blocks.{i}.mlp.fc2",
                f"{_AT}layernorm_before": "blocks.{i}.norm1",
                f"{_AT}layernorm_after": "blocks.{i}.norm2",
            }
        ),
    },
    telling=(
        f"{_AT}attention.attention.query.weight",
        f"{_AT}intermediate.dense.weight",
        f"{_AT}layernorm_before.weight",
        "vit.embeddings.patch_embeddings.projection.weight",
    ),
    settings=("config.json",),
    said=partial(_said, "vit", _VIT),
)

TIMM_DINOV2 = replace(
    TIMM_VIT,
    name="timm (dinov2)",
    names={
        "embeddings.cls_token": "cls_token",
        "embeddings.register_tokens": "reg_token",
        "embeddings.position_embeddings": "pos_embed",
        f"{_IN}layer_scale1.lambda1": "blocks.{i}.ls1.gamma",
        f"{_IN}layer_scale2.lambda1": "blocks.{i}.ls2.gamma",
        **_attention(_IN),
        **modules(
            {
                "embeddings.patch_embeddings.projection": "patch_embed.proj",
                "classifier": "head",
                "layernorm": "norm",
                **{f"{_IN}{name}": f"blocks.{{i}}.{name}" for name in ("mlp.fc1", "mlp.fc2", "norm1", "norm2")},
            }
        ),
    },
    telling=(
        f"{_IN}attention.attention.query.weight",
        f"{_IN}mlp.fc1.weight",
        f"{_IN}layer_scale1.lambda1",
        "embeddings.patch_embeddings.projection.weight",
    ),
    said=partial(_said, "dinov2", _DINOV2),
)

_GATED = {f"{_IN}mlp.weights_in": "blocks.{i}.mlp.fc1", f"{_IN}mlp.weights_out": "blocks.{i}.mlp.fc2"}
TIMM_DINOV2_GATED = replace(
    TIMM_DINOV2,
    name="timm (dinov2, gated)",
    names={name: place for name, place in TIMM_DINOV2.names.items() if ".mlp." not in name} | modules(_GATED),
    telling=(*TIMM_DINOV2.telling[2:], f"{_IN}mlp.weights_in.weight"),
    said=partial(_said, "dinov2", _DINOV2_GATED),
)
