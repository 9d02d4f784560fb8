"""wav2vec 2.0, HuBERT, WavLM, UniSpeech, SEW, data2vec audio: an encoder of sound behind convolutions.

Norms come after the sublayers, or before them in the large ones.
"""

from ..layout import Family, with_bias

_AT = "encoder.layers.{i}."
_BODY = with_bias(
    **{role: f"{_AT}attention.{role}_proj" for role in "qkv"},
    o=_AT + "attention.out_proj",
    up=_AT + "feed_forward.intermediate_dense",
    down=_AT + "feed_forward.output_dense",
)

WAV2VEC2 = Family(
    name="wav2vec2",
    kind="audio tower",
    model_types=("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat", "sew", "data2vec-audio"),
    prefixes=("", "wav2vec2.", "hubert.", "wavlm.", "unispeech.", "unispeech_sat.", "sew.", "data2vec_audio."),
    globals={},
    layer=_BODY | with_bias(norm_mlp=_AT + "layer_norm", norm_out=_AT + "final_layer_norm"),
    outside=(
        r"(^|\.)(feature_extractor|feature_projection|encoder\.(layer_norm|pos_conv_embed|upsample)|masked_spec_embed)",
        r"\.attention\.(gru_rel_pos_const|gru_rel_pos_linear\.\w+|rel_attn_embed\.weight)$",
        r"\.adapter_layer\.",
        r"^(\w+\.)?adapter\.|^(quantizer|project_\w+|lm_head|projector|classifier|layer_norm|label_embeddings_\w+)(\.|$)",
    ),
    required=("q", "k", "v", "o", "up", "down", "norm_mlp", "norm_out"),
    norm="layer",
    post_norm=True,
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    heads_alike=False,
    switches={
        "do_stable_layer_norm": {
            "post_norm": False,
            "layer": _BODY | with_bias(norm_attn=_AT + "layer_norm", norm_mlp=_AT + "final_layer_norm"),
        }
    },
)
