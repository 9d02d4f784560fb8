"""Zamba 2: Mamba 2, and one or two shared blocks of attention and a gated MLP, whose hidden units are read."""

from ..layout import Family, Slot

_AT = "layers.{i}.shared_transformer.feed_forward."

ZAMBA2 = Family(
    name="zamba2",
    model_types=("zamba2",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight", "norm_final": "final_layernorm.weight"},
    layer={
        "gate": Slot(_AT + "gate_up_proj.weight", part=(0, 2)),
        "up": Slot(_AT + "gate_up_proj.weight", part=(1, 2)),
        "down": _AT + "down_proj.weight",
    },
    unprefixed={"unembed": "lm_head.weight"},
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
