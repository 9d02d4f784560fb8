"""Zaya: routed experts in one tensor a layer, of which hidden units are read; attention behind convolutions."""

from ..layout import Family
from ..mixtures import stacked_experts
from .llama import GLOBALS, UNEMBED

ZAYA = Family(
    name="zaya",
    model_types=("zaya",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=dict(stacked_experts("layers.{i}.mlp.")),
    unprefixed=UNEMBED,
    required=("embed", "expert_gate", "expert_down"),
    attention="unknown",
    odd_in_up=False,
    linear_values=False,
    positions="unknown",
    tied=True,
    by_names=False,
)
