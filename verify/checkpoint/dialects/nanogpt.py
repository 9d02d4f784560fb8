"""nanoGPT: GPT-2 under its own names, with matrices [out, in] where the files of the Hub keep [in, out].

Source: ``model.py`` of karpathy/nanoGPT. Its settings lie in the pickle and are not read.
"""

from __future__ import annotations

from .dialect import Dialect, modules

_OUTSIDE = ("transformer.wte", "transformer.wpe", "transformer.ln_f", "lm_head")
_BLOCK = ("ln_1", "ln_2", "attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")

NANOGPT = Dialect(
    name="nanogpt",
    model_types=("gpt2",),
    names=modules({name: name for name in (*_OUTSIDE, *(f"transformer.h.{{i}}.{module}" for module in _BLOCK))}),
    telling=("transformer.h.{i}.mlp.c_fc.weight", "transformer.wpe.weight", "transformer.h.{i}.attn.c_attn.weight"),
    tall=("transformer.h.{i}.attn.c_attn.weight", "transformer.h.{i}.mlp.c_fc.weight"),
    out_in=True,
    said=lambda _: {},
)
