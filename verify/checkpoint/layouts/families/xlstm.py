"""xLSTM: gated MLPs; a matrix memory in place of attention."""

from ..layout import Family
from .llama import UNEMBED

_AT = "blocks.{i}."

XLSTM = Family(
    name="xlstm",
    model_types=("xlstm",),
    prefixes=("backbone.", ""),
    globals={"embed": "embeddings.weight", "norm_final": "out_norm.weight"},
    layer={
        "gate": _AT + "ffn.proj_up_gate.weight",
        "up": _AT + "ffn.proj_up.weight",
        "down": _AT + "ffn.proj_down.weight",
        "norm_attn": _AT + "norm_mlstm.weight",
        "norm_mlp": _AT + "norm_ffn.weight",
    },
    unprefixed=UNEMBED,
    outside=(r"\.mlstm_layer\.",),
    required=("embed", "norm_attn", "norm_mlp", "gate", "up", "down"),
    attention="unknown",
    positions="unknown",
)
