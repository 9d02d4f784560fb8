"""OPT, BioGPT, XGLM: layer norms before the sublayers, ReLU or GELU, learned positions, biases everywhere.

OPT 350M has a narrower embedding, and norms after the sublayers. XGLM adds fixed vectors for positions.
"""

from dataclasses import replace

from ..layout import Family, with_bias

_SELF = "layers.{i}.self_attn."
BODY = with_bias(
    q=_SELF + "q_proj",
    k=_SELF + "k_proj",
    v=_SELF + "v_proj",
    o=_SELF + "out_proj",
    up="layers.{i}.fc1",
    down="layers.{i}.fc2",
)
BEFORE = with_bias(norm_attn="layers.{i}.self_attn_layer_norm", norm_mlp="layers.{i}.final_layer_norm")
AFTER = with_bias(norm_mlp="layers.{i}.self_attn_layer_norm", norm_out="layers.{i}.final_layer_norm")

OPT = Family(
    name="opt",
    model_types=("opt",),
    prefixes=("model.decoder.", "decoder."),
    globals={
        "embed": "embed_tokens.weight",
        "embed_map": "project_in.weight",  # 350M, where the embedding is narrower
        "position": "embed_positions.weight",
        **with_bias(norm_final="final_layer_norm"),
    },
    layer=BODY | BEFORE,
    unprefixed={"unembed": "lm_head.weight"},
    outside=(r"(^|\.)project_out\.weight$",),
    required=("embed", "position", "q", "k", "v", "o", "up", "down"),
    telling=("norm_attn", "norm_mlp"),
    norm="layer",
    gated=False,
    odd_in_up=False,
    positions="learned",
    query_key_norm="none",
    tied=True,
    switches={"do_layer_norm_before=false": {"post_norm": True, "layer": BODY | AFTER}},
)

BIOGPT = replace(
    OPT,
    name="biogpt",
    model_types=("biogpt", "xglm"),
    prefixes=("biogpt.", "model.", ""),
    globals={
        "embed": "embed_tokens.weight",
        "position": "embed_positions.weight",
        **with_bias(norm_final="layer_norm"),
    },
    outside=(r"^output_projection\.weight$",),
    required=("embed", "q", "k", "v", "o", "up", "down"),
    by_names=False,
    switches={"model_type=xglm": {"positions": "sinusoidal"}},
)
