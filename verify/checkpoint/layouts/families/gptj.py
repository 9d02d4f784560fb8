"""GPT-J: attention and MLP in parallel behind one layer norm; GELU, rotary positions, an unembedding with bias.

CodeGen has q, v and k in one tensor, by quarters, since it was trained on four accelerators.
"""

from dataclasses import replace

from ..layout import Family, Slot, with_bias

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

_QVK: dict[str, str | Slot] = {
    role: Slot("h.{i}.attn.qkv_proj.weight", part=(n, 3), fused="each quarter") for n, role in enumerate("qvk")
}

CODEGEN = replace(
    GPTJ,
    name="codegen",
    model_types=("codegen",),
    layer=GPTJ.layer | _QVK,
    constants=(r"\.attn\.(masked_bias|bias|causal_mask)$",),
    by_names=False,
)
