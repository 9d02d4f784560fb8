"""GPT-BigCode (StarCoder 1): the names of GPT-2 with matrices [out, in]; query heads, then one k and one v."""

from dataclasses import replace

from ..layout import Slot, fused_qkv, slot_of
from .gpt2 import GPT2

UPRIGHT: dict[str, str | Slot] = {
    role: replace(slot_of(entry), transposed=False) for role, entry in GPT2.layer.items()
}

GPT_BIGCODE = replace(
    GPT2,
    name="gpt_bigcode",
    model_types=("gpt_bigcode",),
    layer=UPRIGHT | fused_qkv("h.{i}.attn.c_attn", "heads"),
    tied=True,
    kv_heads=1,
    by_names=False,
    other_meaning=("num_key_value_heads",),
    switches={
        "multi_query=false": {
            "layer": UPRIGHT | fused_qkv("h.{i}.attn.c_attn", "groups"),
            "kv_heads": ("num_attention_heads", "n_head"),
        }
    },
)
