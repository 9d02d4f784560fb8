"""ALBERT: one block used in every layer, a narrow embedding mapped into the stream; norms after the sublayers."""

from ..layout import Family, with_bias

_AT = "encoder.albert_layer_groups.{i}.albert_layers.0."

ALBERT = Family(
    name="albert",
    kind="text encoder",
    model_types=("albert",),
    prefixes=("", "albert."),
    globals={
        "embed": "embeddings.word_embeddings.weight",
        **with_bias(embed_map="encoder.embedding_hidden_mapping_in", norm_embed="embeddings.LayerNorm"),
    },
    layer=with_bias(
        q=_AT + "attention.query",
        k=_AT + "attention.key",
        v=_AT + "attention.value",
        o=_AT + "attention.dense",
        up=_AT + "ffn",
        down=_AT + "ffn_output",
        norm_mlp=_AT + "attention.LayerNorm",
        norm_out=_AT + "full_layer_layer_norm",
    ),
    constants=(r"(^|\.)embeddings\.(position|token_type)_ids$",),
    outside=(
        r"embeddings\.(position|token_type)_embeddings\.weight$",
        r"^(\w+\.)?pooler\.|^(predictions|sop_classifier|classifier|qa_outputs)\.",
    ),
    required=("embed", "embed_map", "q", "k", "v", "o", "up", "down", "norm_mlp", "norm_out"),
    norm="layer",
    post_norm=True,
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    shared_blocks=True,
    other_meaning=("num_hidden_layers",),  # how often they are used
)
