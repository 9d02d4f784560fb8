"""GPT-J: attention and MLP in parallel behind one layer norm; GELU, rotary positions, an unembedding with bias.

CodeGen divides q, v and k among four accelerators; its attention is left out.
"""

from dataclasses import replace

from ..layout import Family, with_bias

GPTJ = Family(
    name="gptj",
    model_types=("gptj",),
    prefixes=("transformer.", ""),
    globals={"embed": "wte.weight", **with_bias(norm_final="ln_f")},
    layer={
        **{role: f"h.{{i}}.attn.{role}_proj.weight" for role in "qkv"},
        "o": "h.{i}.attn.out_proj.weight",
        **with_bias(up="h.{i}.mlp.fc_in", down="h.{i}.mlp.fc_out", norm_attn="h.{i}.ln_1"),
    },
    unprefixed=with_bias(unembed="lm_head"),
    constants=(r"\.attn\.(masked_)?bias$",),
    required=("embed", "q", "k", "v", "o", "up", "down", "norm_attn"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    shared_norm=True,
    query_key_norm="none",
    switches={"rotary_dim": {"rotary": "interleaved"}},  # without it not known how many channels
)

CODEGEN = replace(
    GPTJ,
    name="codegen",
    model_types=("codegen",),
    layer={role: name for role, name in GPTJ.layer.items() if role not in "qkvo"},
    constants=(r"\.attn\.(masked_bias|bias|causal_mask)$",),
    outside=(r"\.attn\.(qkv|out)_proj\.weight$",),
    required=("embed", "up", "down", "norm_attn"),
    attention="unknown",
    by_names=False,
    switches={},
)
