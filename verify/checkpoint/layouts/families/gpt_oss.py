"""gpt-oss: routed experts in one tensor a layer, stored [expert, in, out], a row of gate and up in turn; clamped.

Attention has biases and, for each head, a learned sink; neither stands between v and o.
"""

from ..layout import Family, Slot
from .llama import ATTENTION, GLOBALS, UNEMBED

_EXPERTS = "layers.{i}.mlp.experts."


def _turn(name: str, n: int, transposed: bool) -> Slot:
    return Slot(_EXPERTS + name, transposed=transposed, part=(n, 2), fused="alternate", stacked=True)


GPT_OSS = Family(
    name="gpt_oss",
    model_types=("gpt_oss",),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer=ATTENTION
    | {
        "sinks": "layers.{i}.self_attn.sinks",
        "router": "layers.{i}.mlp.router.weight",
        "router_bias": "layers.{i}.mlp.router.bias",
        "expert_gate": _turn("gate_up_proj", 0, True),
        "expert_gate_bias": _turn("gate_up_proj_bias", 0, False),
        "expert_up": _turn("gate_up_proj", 1, True),
        "expert_up_bias": _turn("gate_up_proj_bias", 1, False),
        "expert_down": Slot(_EXPERTS + "down_proj", transposed=True, stacked=True),
        "expert_down_bias": Slot(_EXPERTS + "down_proj_bias", stacked=True),
    },
    unprefixed=UNEMBED,
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "router", "expert_gate"),
    odd_in_up=False,
    rotary="half",
    query_key_norm="none",
    others={  # as MLX stores them, [expert, out, in], or one by one; gate and up apart
        f"expert_{role}{suffix}": (
            Slot(f"{_EXPERTS}{role}_proj.{kind}", stacked=True),
            f"{_EXPERTS}{{e}}.{role}_proj.{kind}",
        )
        for role in ("gate", "up", "down")
        for suffix, kind in (("", "weight"), ("_bias", "bias"))
    },
    other_meaning=("intermediate_size",),  # of experts
    expert_groups=1,
    by_names=False,  # names do not tell rows in turn from halves
)
