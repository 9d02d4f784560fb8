"""DiffLlama, Doge: Llama's MLPs; attention that is a difference, or masked by its values, and is left out."""

from dataclasses import replace

from .llama import DENSE, LLAMA

DIFFLLAMA = replace(
    LLAMA,
    name="diffllama",
    model_types=("diffllama", "doge"),
    layer=DENSE | {role: LLAMA.layer[role] for role in ("norm_attn", "norm_mlp")},
    outside=(r"\.self_attn\.", r"\.(input|post_attention)_residual$"),
    required=("embed", "norm_attn", "norm_mlp", "gate", "up", "down"),
    others={},
    attention="unknown",
    by_names=False,
    switches={},
)
