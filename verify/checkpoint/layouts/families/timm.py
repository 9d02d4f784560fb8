"""Image towers under timm's own names: ViT, DeiT 3, SigLIP, CLIP, BEiT, EVA, EVA-02 and DINOv3.

``config.json`` names an architecture, which a dialect says in these words: ``rope``, how positions turn planes of q
and k; ``norm_of_units`` and ``norm_of_values``, layer norms inside the MLP and before ``o``.
"""

from __future__ import annotations

from dataclasses import replace

from ..layout import Family, Slot, fused_qkv, with_bias

_AT = "blocks.{i}."
_GATES = tuple((role, n) for n, role in enumerate(("gate", "up")))

TIMM_TOWER = Family(
    name="timm_tower",
    kind="image tower",
    model_types=("timm_tower",),
    prefixes=("",),
    globals=with_bias(norm_embed="norm_pre", norm_final="norm"),
    layer=fused_qkv(f"{_AT}attn.qkv", "equal")
    | with_bias(
        o=f"{_AT}attn.proj",
        up=f"{_AT}mlp.fc1",
        down=f"{_AT}mlp.fc2",
        norm_attn=f"{_AT}norm1",
        norm_mlp=f"{_AT}norm2",
    ),
    outside=(
        r"^(cls_token|reg_token|dist_token|pos_embed|patch_embed\.proj\.\w+)$",
        r"^(attn_pool|head|head_dist|fc_norm|rel_pos_bias)\.|^mask_token$",
        r"^blocks\.[0-9]+\.(gamma_[12]|ls[12]\.gamma|attn\.relative_position_bias_table|(attn|mlp)\.norm\.\w+)$",
    ),
    constants=(r"^rope\.", r"\.relative_position_index$", r"\.attn\.k_bias$"),
    required=("q", "k", "v", "o", "up", "down", "norm_attn", "norm_mlp"),
    others={
        **{
            f"{role}{suffix}": (f"{_AT}attn.{role}_proj.{kind}",)
            for role in "qkv"
            for suffix, kind in (("", "weight"), ("_bias", "bias"))
        },
        **{f"{role}_bias": (f"{_AT}attn.{role}_bias", f"{_AT}attn.{role}_proj.bias") for role in "qv"},
    },
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    by_names=False,
    switches={
        "rope=half": {"positions": "rotary", "rotary": "half"},
        "rope=interleaved": {"positions": "rotary", "rotary": "interleaved"},
        "norm_of_units": {"odd_in_up": False},
        "norm_of_values": {"linear_values": False},
    },
)

TIMM_GATED = replace(
    TIMM_TOWER,
    name="timm_gated",
    model_types=("timm_gated",),
    layer=TIMM_TOWER.layer | with_bias(gate=f"{_AT}mlp.fc1_g", up=f"{_AT}mlp.fc1_x"),
    required=(*TIMM_TOWER.required, "gate"),
    others={
        **TIMM_TOWER.others,
        **{role: (Slot(f"{_AT}mlp.fc1.weight", part=(n, 2)),) for role, n in _GATES},
        **{f"{role}_bias": (Slot(f"{_AT}mlp.fc1.bias", part=(n, 2)),) for role, n in _GATES},
    },
    gated=True,
    odd_in_up=True,
)
