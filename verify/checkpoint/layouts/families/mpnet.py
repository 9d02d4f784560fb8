"""MPNet: BERT with attention under other names, and one relative position bias for all layers."""

from dataclasses import replace

from ..layout import with_bias
from .bert import BERT

_AT = "encoder.layer.{i}.attention."

MPNET = replace(
    BERT,
    name="mpnet",
    kind="text encoder",
    model_types=("mpnet",),
    prefixes=("", "mpnet."),
    heads_alike=False,  # the bias has a column for each head of every layer
    layer={role: name for role, name in BERT.layer.items() if role.removesuffix("_bias") not in (*"qkvo", "norm_mlp")}
    | with_bias(**{role: f"{_AT}attn.{role}" for role in "qkvo"}, norm_mlp=_AT + "LayerNorm"),
    outside=(r"encoder\.relative_attention_bias\.weight$", r"^(\w+\.)?pooler\.|^(lm_head|classifier|qa_outputs)\."),
)
