"""CLIP, SigLIP: a tower of text and a tower of images, each a model of its own; layer norm, GELU, learned positions.

Images have no embedding of tokens.
"""

from ..layout import Family, with_bias

_AT = "encoder.layers.{i}."
_LAYER = with_bias(
    q=_AT + "self_attn.q_proj",
    k=_AT + "self_attn.k_proj",
    v=_AT + "self_attn.v_proj",
    o=_AT + "self_attn.out_proj",
    up=_AT + "mlp.fc1",
    down=_AT + "mlp.fc2",
    norm_attn=_AT + "layer_norm1",
    norm_mlp=_AT + "layer_norm2",
)
_REQUIRED = ("q", "k", "v", "o", "up", "down", "norm_attn", "norm_mlp")
_CONSTANTS = (r"(^|\.)embeddings\.position_ids$",)
_HEADS = r"^(visual_projection|text_projection|logit_scale|logit_bias|classifier)(\.|$)"

CLIP_TEXT = Family(
    name="clip_text",
    kind="text encoder",
    model_types=(
        *("clip", "clip_text_model", "siglip", "siglip_text_model", "siglip2_text_model", "clipseg_text_model"),
        *(
            "metaclip_2_text_model",
            "owlvit_text_model",
            "owlv2_text_model",
            "groupvit_text_model",
            "xclip_text_model",
        ),
    ),
    prefixes=("text_model.", ""),
    globals={
        "embed": "embeddings.token_embedding.weight",
        "position": "embeddings.position_embedding.weight",
        **with_bias(norm_final="final_layer_norm"),
    },
    layer=_LAYER,
    constants=_CONSTANTS,
    outside=(_HEADS, r"(^|\.)text_model\.head\."),
    required=("embed", *_REQUIRED),
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    tied=True,
    section="text_config",
)

CLIP_VISION = Family(
    name="clip_vision",
    kind="image tower",
    model_types=(
        *("clip_vision_model", "siglip_vision_model", "siglip2_vision_model", "clipseg_vision_model"),
        *("metaclip_2_vision_model", "owlvit_vision_model", "owlv2_vision_model", "chinese_clip_vision_model"),
        *("altclip_vision_model", "git_vision_model", "idefics2_vision", "idefics3_vision", "smolvlm_vision"),
        *("kosmos_2_vision_model", "phi4_multimodal_vision"),
    ),
    prefixes=("vision_model.", ""),
    globals=with_bias(norm_embed="pre_layrnorm", norm_final="post_layernorm"),  # spelt so
    layer=_LAYER,
    constants=_CONSTANTS,
    outside=(
        _HEADS,
        r"(^|\.)vision_model\.embeddings\.(class_embedding$|(patch|position)_embedding\.)",
        r"(^|\.)vision_model\.head\.",
    ),
    required=_REQUIRED,
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    section="vision_config",
)
