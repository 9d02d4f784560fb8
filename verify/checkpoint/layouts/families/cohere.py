"""Command R, Command A: attention and gated MLP in parallel behind one layer norm without bias; tied."""

from ..layout import Family
from .llama import ATTENTION, DENSE, GLOBALS, UNEMBED

COHERE = Family(
    name="cohere",
    model_types=("cohere", "cohere2"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer={role: name for role, name in ATTENTION.items() if role not in ("norm_mlp", "q_norm", "k_norm")} | DENSE,
    unprefixed=UNEMBED,
    outside=(r"\.self_attn\.[qk]_norm\.weight$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "gate", "up", "down"),
    norm="layer",
    by_names=False,
    shared_norm=True,
    tied=True,
    rotary="interleaved",
    query_key_norm="none",
    switches={"use_qk_norm": {"query_key_norm": "layer", "heads_alike": False}},
)
