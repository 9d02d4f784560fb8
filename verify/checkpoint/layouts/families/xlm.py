"""XLM, FlauBERT: names by kind and then by layer; norms after the sublayers, GELU, learned or fixed positions.

With ``pre_norm`` the first norm of a layer is before attention, and the second before the MLP.
"""

from ..layout import Family, with_bias

_LAYER = with_bias(
    q="attentions.{i}.q_lin",
    k="attentions.{i}.k_lin",
    v="attentions.{i}.v_lin",
    o="attentions.{i}.out_lin",
    up="ffns.{i}.lin1",
    down="ffns.{i}.lin2",
)
_FIRST, _SECOND = "layer_norm1.{i}", "layer_norm2.{i}"

XLM = Family(
    name="xlm",
    kind="text encoder",
    model_types=("xlm", "flaubert"),
    prefixes=("transformer.", ""),
    globals={
        "embed": "embeddings.weight",
        "position": "position_embeddings.weight",
        **with_bias(norm_embed="layer_norm_emb"),
    },
    layer=_LAYER | with_bias(norm_mlp=_FIRST, norm_out=_SECOND),
    outside=(r"(^|\.)lang_embeddings\.weight$", r"^(pred_layer|sequence_summary|qa_outputs|classifier)\."),
    constants=(r"(^|\.)position_ids$",),
    required=("embed", "q", "k", "v", "o", "up", "down", "norm_mlp", "norm_out"),
    norm="layer",
    post_norm=True,
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    tied=True,
    switches={
        "sinusoidal_embeddings": {"positions": "sinusoidal"},
        "pre_norm": {"post_norm": False, "layer": _LAYER | with_bias(norm_attn=_FIRST, norm_mlp=_SECOND)},
    },
)
