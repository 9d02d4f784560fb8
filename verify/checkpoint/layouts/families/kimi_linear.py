"""Kimi Linear: linear attention in most layers, in the others DeepSeek's without positions; experts and a shared one.

The channels of the one key that all heads share are paired here as DeepSeek turns them; nothing turns them.
"""

from ..layout import Family
from .deepseek import DEEPSEEK
from .llama import GLOBALS, UNEMBED

_MLP, _MOE = "layers.{i}.mlp.", "layers.{i}.block_sparse_moe."

KIMI_LINEAR = Family(
    name="kimi_linear",
    model_types=("kimi_linear",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer={role: name for role, name in DEEPSEEK.layer.items() if role.startswith(("latent_", "norm_"))}
    | {role: f"{_MLP}{role}_proj.weight" for role in ("gate", "up", "down")}
    | {f"shared_{role}": f"{_MOE}shared_experts.{role}_proj.weight" for role in ("gate", "up", "down")}
    | {
        "router": _MOE + "gate.weight",
        "router_bias": _MOE + "gate.e_score_correction_bias",
        "expert_gate": _MOE + "experts.{e}.w1.weight",
        "expert_up": _MOE + "experts.{e}.w3.weight",
        "expert_down": _MOE + "experts.{e}.w2.weight",
    },
    unprefixed=UNEMBED,
    outside=(
        r"\.self_attn\.(forget_gate\.)?(A_log|dt_bias|f_[ab]_proj\.weight)$",
        r"\.self_attn\.([kvb]_proj|g_[ab]_proj|[qkv]?_?conv1d|o_norm)\.weight$",
    ),
    required=("embed", "latent_kv_a", "latent_kv_b", "norm_attn", "norm_mlp", "expert_gate"),
    others={role: (f"{_MOE}{role}_proj.weight",) for role in ("gate", "up", "down")},
    attention="latent",
    rotary="interleaved",
    query_key_norm="none",
)
