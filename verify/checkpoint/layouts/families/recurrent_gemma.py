"""RecurrentGemma: recurrences in most layers, else attention; MLPs have half the units that config.json states."""

from ..layout import Family, with_bias

_MIX, _MLP = "layers.{i}.temporal_block.", "layers.{i}.mlp_block."

RECURRENT_GEMMA = Family(
    name="recurrent_gemma",
    model_types=("recurrent_gemma",),
    prefixes=("model.", ""),
    globals={"embed": "embed_tokens.weight", "norm_final": "final_norm.weight"},
    layer=with_bias(**{role: f"{_MIX}{role}_proj" for role in "qkvo"})
    | with_bias(**{role: f"{_MLP}{role}_proj" for role in ("gate", "up", "down")})
    | {
        "norm_attn": "layers.{i}.temporal_pre_norm.weight",
        "norm_mlp": "layers.{i}.channel_pre_norm.weight",
    },
    outside=(r"\.temporal_block\.(conv_1d|linear_out|linear_x|linear_y|rg_lru)\.",),
    required=("embed", "norm_attn", "norm_mlp", "gate", "up", "down"),
    norm_offset=1,
    tied=True,
    rotary="half",
    query_key_norm="none",
    config={"partial_rotary_factor": 0.5},
    other_meaning=("intermediate_size",),
)
