"""Nemotron-H: each layer is Mamba 2, attention, an MLP or experts behind one norm; squared ReLU, no positions."""

from ..layout import Family
from ..state_space import mamba2, without_role
from .llama import UNEMBED

_AT = "layers.{i}.mixer."

NEMOTRON_H = Family(
    name="nemotron_h",
    model_types=("nemotron_h",),
    prefixes=("backbone.", "model.", ""),
    globals={"embed": "embeddings.weight", "norm_final": "norm_f.weight"},
    layer={
        **mamba2(_AT),
        **{role: f"{_AT}{role}_proj.weight" for role in "qkvo"},
        **{role: f"{_AT}{role}_proj.weight" for role in ("up", "down")},
        **{f"{role}_bias": f"{_AT}{role}_proj.bias" for role in (*"qkvo", "up", "down")},
        **{f"expert_{role}": f"{_AT}experts.{{e}}.{role}_proj.weight" for role in ("up", "down")},
        **{f"shared_{role}": f"{_AT}shared_experts.{role}_proj.weight" for role in ("up", "down")},
        "router": _AT + "gate.weight",
        "router_bias": _AT + "gate.e_score_correction_bias",
        "norm_attn": "layers.{i}.norm.weight",
    },
    unprefixed=UNEMBED,
    outside=(without_role("mixer"),),
    required=("embed", "norm_attn", "q", "o"),
    telling=("up", "down"),
    gated=False,
    odd_in_up=False,
    positions="none",
    query_key_norm="none",
    shared_norm=True,
    uneven=True,
    other_meaning=("num_hidden_layers",),
    expert_groups=("n_group",),
)
