"""Qwen3-Next, Qwen3.5: linear attention in most layers; q and a gate for each value channel in one tensor, by heads.

MLPs are those of Qwen3, or experts and a gated shared one; norm gains are stored less 1.
"""

from dataclasses import replace

from ..layout import Slot
from .llama import ATTENTION, DENSE, LLAMA
from .qwen2_moe import QWEN2_MOE

_Q = "layers.{i}.self_attn.q_proj.weight"
_ATTENTION: dict[str, str | Slot] = ATTENTION | {
    "q": Slot(_Q, part=(0, 2), fused="each head"),
    "value_gate": Slot(_Q, part=(1, 2), fused="each head"),
}
_MIXERS = (r"\.linear_attn\.",)
_REQUIRED = ("embed", "norm_attn", "norm_mlp")

QWEN3_NEXT = replace(
    QWEN2_MOE,
    name="qwen3_next",
    model_types=("qwen3_next", "qwen3_5_moe", "qwen3_5_moe_text"),
    layer=QWEN2_MOE.layer | _ATTENTION,
    outside=_MIXERS,
    required=(*_REQUIRED, "expert_gate"),
    by_names=False,
    norm_offset=1,
    query_key_norm="gain",
    config={"partial_rotary_factor": 0.25},
)

QWEN3_5 = replace(
    LLAMA,
    name="qwen3_5",
    model_types=("qwen3_5", "qwen3_5_text"),
    layer=_ATTENTION | DENSE,
    outside=_MIXERS,
    required=(*_REQUIRED, "gate", "up", "down"),
    others={},
    by_names=False,
    norm_offset=1,
    query_key_norm="gain",
    config={"partial_rotary_factor": 0.25},
    switches={},
)
