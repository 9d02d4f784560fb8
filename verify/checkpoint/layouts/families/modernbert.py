"""ModernBERT, encoder and decoder: gate and up in one tensor, layer norms without biases, rotary positions."""

from ..layout import Family, Slot, fused_qkv

_AT = "layers.{i}."
_APART = {role: (f"{_AT}attn.{role}_proj.weight",) for role in "qkv"}

MODERNBERT = Family(
    name="modernbert",
    kind="text encoder",
    model_types=("modernbert", "modernbert-decoder"),
    prefixes=("model.", ""),
    globals={
        "embed": "embeddings.tok_embeddings.weight",
        "norm_embed": "embeddings.norm.weight",
        "norm_final": "final_norm.weight",
    },
    layer={
        **fused_qkv(_AT + "attn.Wqkv", "equal"),
        "o": _AT + "attn.Wo.weight",
        "o_bias": _AT + "attn.Wo.bias",
        "gate": Slot(_AT + "mlp.Wi.weight", part=(0, 2)),
        "up": Slot(_AT + "mlp.Wi.weight", part=(1, 2)),
        "down": _AT + "mlp.Wo.weight",
        "norm_attn": _AT + "attn_norm.weight",
        "norm_mlp": _AT + "mlp_norm.weight",
    },
    outside=(r"^(head|decoder|lm_head|classifier)\.",),
    constants=(r"\.rotary_emb\.inv_freq$",),
    others=_APART,
    required=("embed", "q", "o", "norm_mlp", "gate", "down"),
    norm="layer",
    tied=True,
    rotary="half",
    query_key_norm="none",
)
