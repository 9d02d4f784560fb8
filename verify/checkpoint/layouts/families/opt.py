"""OPT: layer norms before the sublayers, ReLU, learned positions, biases everywhere."""

from ..layout import Family, with_bias

_SELF = "layers.{i}.self_attn."

OPT = Family(
    name="opt",
    model_types=("opt",),
    prefixes=("model.decoder.", "decoder."),
    globals={
        "embed": "embed_tokens.weight",
        "position": "embed_positions.weight",
        **with_bias(norm_final="final_layer_norm"),
    },
    layer=with_bias(
        q=_SELF + "q_proj",
        k=_SELF + "k_proj",
        v=_SELF + "v_proj",
        o=_SELF + "out_proj",
        up="layers.{i}.fc1",
        down="layers.{i}.fc2",
        norm_attn="layers.{i}.self_attn_layer_norm",
        norm_mlp="layers.{i}.final_layer_norm",
    ),
    unprefixed={"unembed": "lm_head.weight"},
    required=("embed", "position", "q", "k", "v", "o", "up", "down", "norm_attn", "norm_mlp"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    tied=True,
)
