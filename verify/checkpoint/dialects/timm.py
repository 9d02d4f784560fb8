"""timm: vision transformers with q, k and v in one tensor, in thirds; the largest of EVA-02 have them apart.

Only architectures whose number of heads the name tells are read: plain ViT, DeiT and DINOv2 as of transformers, all
others as towers under timm's own names. Sources: ``timm/models/vision_transformer.py``, ``beit.py`` and ``eva.py``;
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
_OF_TOWERS = _HEADS | {"wee": 4, "xsmall": 4, "little": 5, "small_plus": 6, "medium": 8, "mediumd": 8, "betwixt": 10}
_OF_TOWERS |= dict.fromkeys(("so400m", "huge", "giant", "giantopt", "gigantic"), 16) | {"huge_plus": 20, "7b": 32}
"""The same, of towers under timm's own names."""
_PLAIN, _GATES = {"model_type": "timm_tower"}, {"model_type": "timm_gated"}
_HALF, _INTERLEAVED = {"rope": "half"}, {"rope": "interleaved", "norm_of_units": True}
_TOWERS: dict[str, dict[str, Any]] = {
    r"vit_(tiny|xsmall|wee|little|small|mediumd?|betwixt|base|large|so400m|huge|giant|giantopt|gigantic)_patch[0-9]+_"
    r"(?:clip_|clip_quickgelu_|siglip_|siglip_gap_|reg[0-9]_gap_)?[0-9]+": _PLAIN,
    r"deit3_(small|medium|base|large|huge)_patch[0-9]+_[0-9]+": _PLAIN,
    r"beit(?:v2)?_(base|large)_patch16_[0-9]+": _PLAIN,
    r"eva_(large|giant)_patch14_(?:clip_)?[0-9]+": _PLAIN,
    r"vit_(tiny|small|base|large)_patch16_dinov3(?:_qkvb)?": _PLAIN | _HALF,
    r"vit_(small_plus|huge_plus|7b)_patch16_dinov3(?:_qkvb)?": _GATES | _HALF,
    r"eva02_(tiny|small)_patch14_[0-9]+": _GATES | {"rope": "interleaved"},
    r"eva02_(base|large)_patch14_[0-9]+": _GATES | _INTERLEAVED,
    r"eva02_(base|large)_patch1[46]_clip_[0-9]+": _GATES | _INTERLEAVED | {"norm_of_values": True},
}
"""By patterns of architectures, whose group is the size: the table that reads them, and what it is told."""
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


def _said_of_tower(settings: Settings) -> dict[str, Any] | None:
    changed = settings.get("model_args") or {}
    architecture = str(settings.get("architecture"))[:100]
    found = ((re.fullmatch(pattern, architecture), words) for pattern, words in _TOWERS.items())
    match, words = next((one for one in found if one[0]), (None, {}))
    if match is None or not isinstance(changed, dict) or not changed.keys() <= _WITHOUT_EFFECT:
        return None
    heads = changed.get("num_heads", _OF_TOWERS[match[1]])
    return {"num_attention_heads": heads, **words} if type(heads) is int and heads > 0 else None


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

_WEIGHTS = {f"{_IN}mlp.weights_in": "blocks.{i}.mlp.fc1", f"{_IN}mlp.weights_out": "blocks.{i}.mlp.fc2"}
TIMM_DINOV2_GATED = replace(
    TIMM_DINOV2,
    name="timm (dinov2, gated)",
    names={name: place for name, place in TIMM_DINOV2.names.items() if ".mlp." not in name} | modules(_WEIGHTS),
    telling=(*TIMM_DINOV2.telling[2:], f"{_IN}mlp.weights_in.weight"),
    said=partial(_said, "dinov2", _DINOV2_GATED),
)

_OWN = tuple(f"blocks.{{i}}.{name}.weight" for name in ("attn.proj", "mlp.fc2", "norm1"))
TIMM_TOWER = Dialect(
    name="timm (tower)",
    model_types=(),
    names={name: name for name in _OWN},
    telling=_OWN,
    settings=("config.json",),
    said=_said_of_tower,
)
