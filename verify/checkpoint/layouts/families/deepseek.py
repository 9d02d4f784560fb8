"""DeepSeek V2 and V3: k and v are made from a latent vector, q perhaps too; experts and a shared one.

``latent_kv_a`` makes the latent vector and, below it, the one rotary key that all heads share; behind a norm,
``latent_kv_b`` makes of it, for each head in turn, the keys that positions leave alone, then the values.

The layers that V3 adds to predict further tokens are layers like the others.
"""

from ..layout import Family
from .llama import DENSE, GLOBALS, UNEMBED
from .qwen2_moe import EXPERTS, SHARED_EXPERTS

_AT = "layers.{i}.self_attn."

DEEPSEEK = Family(
    name="deepseek",
    model_types=(
        *("deepseek_v2", "deepseek_v3", "deepseek_v32", "glm4_moe_lite", "glm_moe_dsa", "minicpm3"),
        *("sarvam_mla", "youtu", "axk1", "kimi_k2"),
    ),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=DENSE
    | EXPERTS
    | SHARED_EXPERTS
    | {
        "latent_q": _AT + "q_proj.weight",  # V2-Lite; the others go by q_a and q_b
        "latent_q_a": _AT + "q_a_proj.weight",
        "latent_q_a_norm": _AT + "q_a_layernorm.weight",
        "latent_q_b": _AT + "q_b_proj.weight",
        "latent_kv_a": _AT + "kv_a_proj_with_mqa.weight",
        "latent_kv_a_norm": _AT + "kv_a_layernorm.weight",
        "latent_kv_b": _AT + "kv_b_proj.weight",
        "latent_o": _AT + "o_proj.weight",
        "norm_attn": "layers.{i}.input_layernorm.weight",
        "norm_mlp": "layers.{i}.post_attention_layernorm.weight",
        "router": "layers.{i}.mlp.gate.weight",
        "router_bias": "layers.{i}.mlp.gate.e_score_correction_bias",
    },
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    outside=(
        r"\.[0-9]+\.(embed_tokens|enorm|hnorm|eh_proj|shared_head\.(norm|head))\.weight$",
        r"\.self_attn\.indexer\.",
        r"\.post_mlp_layernorm\.weight$",
    ),
    required=("embed", "latent_kv_a", "latent_kv_b", "latent_o", "norm_attn", "norm_mlp"),
    attention="latent",
    rotary="interleaved",
    query_key_norm="none",
    expert_groups=("n_group",),
    switches={"model_type=minicpm3": {"rotary": "half"}, "topk_method=greedy": {"expert_groups": 1}},
)
