"""GPT-2, and GPT with norms after the sublayers: Conv1D stores [in, out]; q, k, v are thirds of one tensor.

Layer norm, GELU, learned positions.
"""

from dataclasses import replace

from ..layout import Family, Slot, fused_qkv

GPT2 = Family(
    name="gpt2",
    model_types=("gpt2", "imagegpt"),
    prefixes=("transformer.", ""),
    globals={
        "embed": "wte.weight",
        "position": "wpe.weight",
        "norm_final": "ln_f.weight",
        "norm_final_bias": "ln_f.bias",
    },
    layer={
        **fused_qkv("h.{i}.attn.c_attn", "equal", transposed=True),
        "o": Slot("h.{i}.attn.c_proj.weight", transposed=True),
        "o_bias": "h.{i}.attn.c_proj.bias",
        "up": Slot("h.{i}.mlp.c_fc.weight", transposed=True),
        "up_bias": "h.{i}.mlp.c_fc.bias",
        "down": Slot("h.{i}.mlp.c_proj.weight", transposed=True),
        "down_bias": "h.{i}.mlp.c_proj.bias",
        "norm_attn": "h.{i}.ln_1.weight",
        "norm_attn_bias": "h.{i}.ln_1.bias",
        "norm_mlp": "h.{i}.ln_2.weight",
        "norm_mlp_bias": "h.{i}.ln_2.bias",
    },
    unprefixed={"unembed": "lm_head.weight"},
    constants=(r"\.attn\.(masked_)?bias$",),
    required=("embed", "q", "o", "up", "down", "norm_attn", "norm_mlp"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
)

_BETWEEN = {"norm_attn": "norm_mlp", "norm_attn_bias": "norm_mlp_bias"}
_BEHIND = {"norm_mlp": "norm_out", "norm_mlp_bias": "norm_out_bias"}

OPENAI_GPT = replace(
    GPT2,
    name="openai_gpt",
    model_types=("openai-gpt",),
    globals={"embed": "tokens_embed.weight", "position": "positions_embed.weight"},
    layer={(_BETWEEN | _BEHIND).get(role, role): entry for role, entry in GPT2.layer.items()},
    outside=(r"^(multiple_choice_head|score)\.",),
    required=("embed", "q", "o", "up", "down", "norm_mlp", "norm_out"),
    post_norm=True,
    tied=True,
)
