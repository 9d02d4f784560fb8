"""Mamba 1, Falcon-Mamba, Mamba 2: no attention and no MLP.

The inner channels of Mamba 1 are exchangeable as the units of an MLP are: ``x`` and its gate ``z`` read the stream,
the output projection writes to it, and all else (convolution, step sizes, state matrix) is stored by the channel and
moves with it. A sign cannot change, since ``x`` passes an activation. Those of Mamba 2 are exchangeable inside their
heads (``state_space``).
"""

from dataclasses import replace

from ..layout import Family, Slot
from ..state_space import mamba2, without_role
from .llama import UNEMBED

_AT = "layers.{i}.mixer."

MAMBA2 = Family(
    name="mamba2",
    model_types=("mamba2",),
    prefixes=("backbone.", ""),
    globals={"embed": "embeddings.weight", "norm_final": "norm_f.weight"},
    layer={"norm_attn": "layers.{i}.norm.weight", **mamba2(_AT)},
    unprefixed=UNEMBED,
    outside=(without_role("mixer"),),
    required=("embed", "norm_attn"),
    odd_in_up=False,
    attention="unknown",
    positions="none",
    uneven=True,
    by_names=False,
)

MAMBA = replace(
    MAMBA2,
    name="mamba",
    model_types=("mamba", "falcon_mamba"),
    layer={
        "norm_mlp": "layers.{i}.norm.weight",
        "up": Slot(_AT + "in_proj.weight", part=(0, 2)),
        "up_bias": Slot(_AT + "in_proj.bias", part=(0, 2)),
        "gate": Slot(_AT + "in_proj.weight", part=(1, 2)),
        "gate_bias": Slot(_AT + "in_proj.bias", part=(1, 2)),
        "down": _AT + "out_proj.weight",
        "down_bias": _AT + "out_proj.bias",
    },
    outside=(r"\.mixer\.(A_log|D|(conv1d|dt_proj|x_proj)\.\w+)$",),
    required=("embed", "norm_mlp", "up", "gate", "down"),
    tied=True,
    uneven=False,
    by_names=True,
)
