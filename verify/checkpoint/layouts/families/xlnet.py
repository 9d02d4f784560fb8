"""XLNet: relative positions, which are read by a matrix and biases of their own, so that nothing is said of q and k.

Each of q, k, v and o has axes for the width, the heads and their channels.
"""

from ..layout import Family, Slot, with_bias

_AT = "layer.{i}.rel_attn."

XLNET = Family(
    name="xlnet",
    kind="text encoder",
    model_types=("xlnet",),
    prefixes=("transformer.", ""),
    globals={"embed": "word_embedding.weight"},
    layer={
        **{role: Slot(_AT + role, width_axis=0) for role in "qkv"},
        "o": Slot(_AT + "o", width_axis=0, transposed=True),
        **with_bias(
            up="layer.{i}.ff.layer_1",
            down="layer.{i}.ff.layer_2",
            norm_mlp=_AT + "layer_norm",
            norm_out="layer.{i}.ff.layer_norm",
        ),
    },
    outside=(
        r"\.rel_attn\.(r|r_[rsw]_bias|seg_embed)$",
        r"(^|\.)mask_emb$",
        r"^(lm_loss|sequence_summary|logits_proj|classifier|qa_outputs)\.",
    ),
    required=("embed", "q", "k", "v", "o", "up", "down", "norm_mlp", "norm_out"),
    norm="layer",
    post_norm=True,
    gated=False,
    odd_in_up=False,
    heads_alike=False,
    positions="none",
    tied=True,
)
