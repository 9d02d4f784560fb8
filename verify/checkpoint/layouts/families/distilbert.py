"""DistilBERT: BERT under other names, without token types."""

from ..layout import Family, with_bias

_AT = "transformer.layer.{i}."

DISTILBERT = Family(
    name="distilbert",
    kind="text encoder",
    model_types=("distilbert",),
    prefixes=("", "distilbert."),
    globals={
        "embed": "embeddings.word_embeddings.weight",
        "position": "embeddings.position_embeddings.weight",
        **with_bias(norm_embed="embeddings.LayerNorm"),
    },
    layer=with_bias(
        q=_AT + "attention.q_lin",
        k=_AT + "attention.k_lin",
        v=_AT + "attention.v_lin",
        o=_AT + "attention.out_lin",
        up=_AT + "ffn.lin1",
        down=_AT + "ffn.lin2",
        norm_mlp=_AT + "sa_layer_norm",
        norm_out=_AT + "output_layer_norm",
    ),
    constants=(r"(^|\.)embeddings\.position_ids$",),
    outside=(r"^(vocab_transform|vocab_layer_norm|vocab_projector|pre_classifier|classifier|qa_outputs)\.",),
    required=("embed", "q", "k", "v", "o", "up", "down", "norm_mlp", "norm_out"),
    norm="layer",
    post_norm=True,
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    switches={"sinusoidal_pos_embds": {"positions": "sinusoidal"}},
)
