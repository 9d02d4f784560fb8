"""Models of TransformerLens: each of q, k, v and o has axes for the heads, the width and their channels.

What ``config.json`` says is told by a dialect in these words: ``norms``, ``layer`` or ``rms``; ``positions``; and
``processed``, which is true of a model whose norms were folded into what reads them. As a model is loaded,
``refactor_factored_attn_matrices`` may replace the channels of every head by the singular vectors of its circuits, in
their order, with folded norms or without, and no setting tells. It refuses rotary positions alone. So nothing is said
of channels of q, k and v under others, nor where norms were folded.
"""

from __future__ import annotations

from dataclasses import replace

from ..layout import Family, Slot

_AT = "blocks.{i}."
_SORTED = {"linear_values": False, "query_key_norm": "unknown"}


def _norm(role: str, name: str) -> dict[str, str | Slot]:
    """A gain and its bias."""
    return {role: f"{name}.w", f"{role}_bias": f"{name}.b"}


TRANSFORMER_LENS = Family(
    name="transformer_lens",
    model_types=("transformer_lens",),
    prefixes=("",),
    globals={
        "embed": "embed.W_E",
        "position": "pos_embed.W_pos",
        **_norm("norm_embed", "embed.ln"),
        **_norm("norm_final", "ln_final"),
    },
    layer={
        **{role: Slot(f"{_AT}attn.W_{role.upper()}", width_axis=1) for role in "qkv"},
        **{f"{role}_bias": Slot(f"{_AT}attn.b_{role.upper()}", width_axis=1) for role in "qkv"},
        "o": Slot(f"{_AT}attn.W_O", width_axis=2, transposed=True),
        "o_bias": f"{_AT}attn.b_O",
        "up": Slot(f"{_AT}mlp.W_in", transposed=True),
        "up_bias": f"{_AT}mlp.b_in",
        "down": Slot(f"{_AT}mlp.W_out", transposed=True),
        "down_bias": f"{_AT}mlp.b_out",
        **_norm("norm_attn", f"{_AT}ln1"),
        **_norm("norm_mlp", f"{_AT}ln2"),
        "q_norm": f"{_AT}attn.q_norm.w",
        "k_norm": f"{_AT}attn.k_norm.w",
    },
    unprefixed={"unembed": Slot("unembed.W_U", transposed=True), "unembed_bias": "unembed.b_U"},
    constants=(r"\.attn\.(mask|IGNORE|rotary_(sin|cos)|alibi)$",),
    outside=(r"\.mlp\.ln\.[wb]$",),
    required=("embed", "q", "k", "v", "o", "up", "down"),
    others={
        **{role: (Slot(f"{_AT}attn._W_{role.upper()}", width_axis=1),) for role in "kv"},
        **{f"{role}_bias": (Slot(f"{_AT}attn._b_{role.upper()}", width_axis=1),) for role in "kv"},
    },
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="unknown",
    query_key_norm="none",
    by_names=False,
    switches={
        "norms=rms": {"norm": "rms"},
        "positions=standard": {"positions": "learned"} | _SORTED,
        "positions=shortformer": {"positions": "learned"} | _SORTED,
        "positions=alibi": {"positions": "none"} | _SORTED,
        "positions=half": {"positions": "rotary", "rotary": "half"},
        "positions=interleaved": {"positions": "rotary", "rotary": "interleaved"},
        "processed": _SORTED,
    },
)

TRANSFORMER_LENS_GATED = replace(
    TRANSFORMER_LENS,
    name="transformer_lens_gated",
    layer=TRANSFORMER_LENS.layer | {"gate": Slot(f"{_AT}mlp.W_gate", transposed=True)},
    required=(*TRANSFORMER_LENS.required, "gate"),
    outside=(),
    gated=True,
    odd_in_up=True,
)
