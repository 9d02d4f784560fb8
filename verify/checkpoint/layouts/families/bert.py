"""BERT, RoBERTa, ELECTRA, MiniLM: norms after the sublayers, GELU, learned positions, biases everywhere."""

from ..layout import Family, Slot

_GLOBALS: dict[str, str | Slot] = {
    "embed": "embeddings.word_embeddings.weight",
    "position": "embeddings.position_embeddings.weight",
    "embed_map": "embeddings_project.weight",  # ELECTRA, where the embedding is narrower
    "embed_map_bias": "embeddings_project.bias",
    "norm_embed": "embeddings.LayerNorm.weight",
    "norm_embed_bias": "embeddings.LayerNorm.bias",
}
_SELF = "encoder.layer.{i}.attention.self."
_LAYER: dict[str, str | Slot] = {
    "q": _SELF + "query.weight",
    "k": _SELF + "key.weight",
    "v": _SELF + "value.weight",
    "q_bias": _SELF + "query.bias",
    "k_bias": _SELF + "key.bias",
    "v_bias": _SELF + "value.bias",
    "o": "encoder.layer.{i}.attention.output.dense.weight",
    "o_bias": "encoder.layer.{i}.attention.output.dense.bias",
    "up": "encoder.layer.{i}.intermediate.dense.weight",
    "up_bias": "encoder.layer.{i}.intermediate.dense.bias",
    "down": "encoder.layer.{i}.output.dense.weight",
    "down_bias": "encoder.layer.{i}.output.dense.bias",
    "norm_mlp": "encoder.layer.{i}.attention.output.LayerNorm.weight",
    "norm_mlp_bias": "encoder.layer.{i}.attention.output.LayerNorm.bias",
    "norm_out": "encoder.layer.{i}.output.LayerNorm.weight",
    "norm_out_bias": "encoder.layer.{i}.output.LayerNorm.bias",
}

_OLDER: dict[str, tuple[str | Slot, ...]] = {
    role: (name.replace(".weight", ".gamma").replace(".bias", ".beta"),)
    for role, name in (_GLOBALS | _LAYER).items()
    if role.startswith("norm_") and isinstance(name, str)
}
"""Older names of norms."""

BERT = Family(
    name="bert",
    kind="text encoder",
    model_types=(
        *("bert", "roberta", "xlm-roberta", "camembert", "electra", "bert-generation", "big_bird", "dpr", "ernie"),
        *("data2vec-text", "layoutlm", "longformer", "luke", "markuplm", "mra", "nystromformer", "rembert"),
        *("roformer", "tapas", "visual_bert", "yoso"),
        *("altclip_text_model", "blip_text_model", "chinese_clip_text_model", "align_text_model"),
        *("bridgetower_text_model", "clap_text_model", "ibert", "splinter", "git", "xmod"),
    ),
    prefixes=(
        *("", "bert.", "roberta.", "electra.", "model.", "ernie.", "data2vec_text.", "roformer.", "rembert."),
        *("layoutlm.", "longformer.", "luke.", "tapas.", "nystromformer.", "mra.", "yoso.", "splinter."),
        "visual_bert.",
    ),
    globals=_GLOBALS,
    layer=_LAYER,
    others=_OLDER
    | {
        "embed_map": ("encoder.embedding_hidden_mapping_in.weight",),  # RemBERT
        "embed_map_bias": ("encoder.embedding_hidden_mapping_in.bias",),
    },
    constants=(r"(^|\.)embeddings\.(position|token_type)_ids$",),
    outside=(
        r"embeddings\.(token_type|task_type|[xyhw]_position)_embeddings(_[0-9])?\.weight$",
        r"embeddings\.(xpath_embeddings|visual_\w+)\.|encoder\.embed_positions\.",
        r"\.(attention\.self\.((query|key|value)_global|(w2e|e2w|e2e)_query|conv)|crossattention)\.",
        r"\.output\.adapter_(modules|layer_norm)\.",
        r"^(\w+\.)?pooler\.|^(cls|lm_head|classifier|qa_outputs|discriminator_predictions|generator_\w+|splinter_qass|entity_predictions)\.",
    ),
    required=("embed", "q", "k", "v", "o", "up", "down", "norm_mlp", "norm_out"),
    norm="layer",
    post_norm=True,
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    switches={
        "model_type=roformer": {"positions": "rotary", "rotary": "interleaved"},
        "rotary_value": {"linear_values": False},
    },
)
