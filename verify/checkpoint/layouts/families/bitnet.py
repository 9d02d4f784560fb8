"""BitNet: Llama with a norm of all value channels before o, and of all units before down; their gains move along."""

from dataclasses import replace

from .llama import LLAMA

BITNET = replace(
    LLAMA,
    name="bitnet",
    model_types=("bitnet",),
    layer=LLAMA.layer
    | {"value_norm": "layers.{i}.self_attn.attn_sub_norm.weight", "unit_norm": "layers.{i}.mlp.ffn_sub_norm.weight"},
    others={},
    required=(*LLAMA.required, "value_norm", "unit_norm"),
    switches={},
)
