"""StableLM: Llama with layer norms; a quarter of a head's channels turned; 2 12B norms each head of q and of k."""

from ..layout import Family, with_bias
from .llama import BODY, DENSE, GLOBALS, UNEMBED

STABLELM = Family(
    name="stablelm",
    model_types=("stablelm",),
    prefixes=("model.", ""),
    globals=GLOBALS | {"norm_final_bias": "norm.bias"},
    layer=BODY
    | DENSE
    | with_bias(norm_attn="layers.{i}.input_layernorm", norm_mlp="layers.{i}.post_attention_layernorm"),
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    outside=(r"\.self_attn\.[qk]_layernorm\.norms\.[0-9]+\.weight$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "gate", "up", "down"),
    norm="layer",
    by_names=False,
    rotary="half",
    query_key_norm="none",
    config={"partial_rotary_factor": 0.25},
    switches={
        "qk_layernorm": {"query_key_norm": "layer", "heads_alike": False},
        "use_parallel_residual": {"shared_norm": True},
    },
)
