"""JetMoE: routed experts in one tensor a layer, of which hidden units are read; attention of experts, left out."""

from ..layout import Family, Slot
from .llama import GLOBALS, UNEMBED

_MLP = "layers.{i}.mlp."

JETMOE = Family(
    name="jetmoe",
    model_types=("jetmoe",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer={
        "norm_attn": "layers.{i}.input_layernorm.weight",
        "norm_mlp": "layers.{i}.post_attention_layernorm.weight",
        "router": _MLP + "router.layer.weight",
        "expert_gate": Slot(_MLP + "input_linear.weight", part=(0, 2), stacked=True),
        "expert_up": Slot(_MLP + "input_linear.weight", part=(1, 2), stacked=True),
        "expert_down": Slot(_MLP + "output_linear.weight", stacked=True),
    },
    unprefixed=UNEMBED,
    outside=(r"\.self_attention\.", r"\.mlp\.bias$"),
    required=("embed", "norm_attn", "norm_mlp", "router", "expert_gate"),
    attention="unknown",
    expert_groups=1,
    tied=True,
    by_names=False,
)
