"""PyTorch's nn.TransformerEncoder: q, k and v are thirds of one tensor; no embedding, and no config with heads.

Norms come after the sublayers unless ``norm_first`` was set, and activations are ReLU or GELU: the file does not say.
"""

from ..layout import Family, Slot, with_bias

_SELF = "layers.{i}.self_attn."
_QKV = {role: Slot(_SELF + "in_proj_weight", part=(n, 3)) for n, role in enumerate("qkv")}
_QKV_BIAS = {f"{role}_bias": Slot(_SELF + "in_proj_bias", part=(n, 3)) for n, role in enumerate("qkv")}

TORCH_ENCODER = Family(
    name="torch_encoder",
    kind="encoder",
    model_types=(),
    prefixes=("",),
    globals=with_bias(norm_final="norm"),
    layer={
        **_QKV,
        **_QKV_BIAS,
        **with_bias(
            o=_SELF + "out_proj",
            up="layers.{i}.linear1",
            down="layers.{i}.linear2",
            norm_mlp="layers.{i}.norm1",
            norm_out="layers.{i}.norm2",
        ),
    },
    required=("q", "o", "up", "down", "norm_mlp", "norm_out"),
    norm="layer",
    post_norm=True,
    gated=False,
    odd_in_up=False,
    positions="unknown",
    query_key_norm="none",
)
