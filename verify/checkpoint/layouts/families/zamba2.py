"""Zamba 1 and 2: Mamba, and one or two shared blocks of attention and a gated MLP, whose hidden units are read.

Attention reads the stream beside the embedding, which no role describes. In Zamba 2 low-rank adapters of each use of
a block are added to gate and up, which have no signs then.
"""

from dataclasses import replace

from ..layout import Family, Slot
from ..state_space import mamba1, mamba2, without_role

_SHARED, _SHARED_1 = "layers.{i}.shared_transformer.", "layers.{i}.shared_transf."
_AT, _MLP = f"{_SHARED}feed_forward.", f"{_SHARED_1}feed_forward."
_MAMBA, _BESIDE = "layers.{i}.mamba.", "layers.{i}.mamba_decoder.mamba."
_NORM: dict[str, str | Slot] = {"norm_attn": "layers.{i}.mamba_decoder.input_layernorm.weight"}

ZAMBA2 = Family(
    name="zamba2",
    model_types=("zamba2",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight", "norm_final": "final_layernorm.weight"},
    layer={
        **mamba2(_MAMBA),
        "norm_attn": "layers.{i}.input_layernorm.weight",
        "norm_mlp": f"{_SHARED}pre_ff_layernorm.weight",
        "gate": Slot(_AT + "gate_up_proj.weight", part=(0, 2)),
        "up": Slot(_AT + "gate_up_proj.weight", part=(1, 2)),
        "down": _AT + "down_proj.weight",
    },
    also=mamba2(_BESIDE) | _NORM,
    unprefixed={"unembed": "lm_head.weight"},
    outside=(
        without_role("mamba"),
        r"\.layers\.[0-9]+\.linear\.weight$",
        r"\.shared_transf(ormer)?\.(input_layernorm|self_attn|feed_forward\.gate_up_proj_adapter_list)\.",
    ),
    required=("embed", "gate", "up", "down"),
    odd_in_up=False,
    linear_values=False,
    attention="unknown",
    positions="unknown",
    shared_blocks=True,
    uneven=True,
    tied=True,
    by_names=False,
)

ZAMBA = replace(
    ZAMBA2,
    name="zamba",
    model_types=("zamba",),
    layer={
        **mamba1(_MAMBA, alternate=True),
        "norm_attn": ZAMBA2.layer["norm_attn"],
        "norm_mlp": f"{_SHARED_1}pre_ff_layernorm.weight",
        **{role: f"{_MLP}{role}_proj.weight" for role in ("gate", "up", "down")},
    },
    also=mamba1(_BESIDE, alternate=True) | _NORM,
    odd_in_up=True,
)
