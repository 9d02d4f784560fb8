"""ViT, DeiT: BERT's names with norms before the sublayers; patches of images in place of tokens.

Transformers 5 renames the layers.
"""

from ..layout import Family, with_bias

_AT = "encoder.layer.{i}."

VIT = Family(
    name="vit",
    kind="image tower",
    model_types=(
        *("vit", "deit", "audio-spectrogram-transformer", "beit", "data2vec-vision", "dpt", "ijepa", "vit_mae"),
        *("vit_msn", "yolos", "vivit", "vilt", "flava_image_model", "flava_text_model"),
    ),
    prefixes=("", "vit.", "deit."),
    globals=with_bias(norm_final="layernorm"),
    layer=with_bias(
        q=_AT + "attention.attention.query",
        k=_AT + "attention.attention.key",
        v=_AT + "attention.attention.value",
        o=_AT + "attention.output.dense",
        up=_AT + "intermediate.dense",
        down=_AT + "output.dense",
        norm_attn=_AT + "layernorm_before",
        norm_mlp=_AT + "layernorm_after",
    ),
    outside=(
        r"(^|\.)embeddings\.((cls|distillation|mask)_token|position_embeddings|patch_embeddings\.projection\.\w+)$",
        r"(^|\.)(embeddings\.detection_tokens|encoder\.mid_position_embeddings|(encoder\.layer|layers)\.[0-9]+\.lambda_[12])$",
        r"^(\w+\.)?pooler\.|^(\w+_)?classifier\.|^decoder\.",
    ),
    required=("q", "k", "v", "o", "up", "down", "norm_attn", "norm_mlp"),
    others={
        role: (name,)
        for role, name in with_bias(
            **{role: f"layers.{{i}}.attention.{role}_proj" for role in "qkvo"},
            up="layers.{i}.mlp.fc1",
            down="layers.{i}.mlp.fc2",
            norm_attn="layers.{i}.layernorm_before",
            norm_mlp="layers.{i}.layernorm_after",
        ).items()
    },
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
)
