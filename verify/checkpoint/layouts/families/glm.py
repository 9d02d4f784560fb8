"""GLM-4 as Transformers names it: biases on q, k and v; gate and up in one tensor; 0414 also norms outputs."""

from ..layout import Family, Slot
from .llama import ATTENTION, GLOBALS, UNEMBED

GLM = Family(
    name="glm",
    model_types=("glm", "glm4", "glm4v_text", "glm46v_text"),
    prefixes=("model.", ""),
    globals=GLOBALS,
    layer={role: name for role, name in ATTENTION.items() if role not in ("q_norm", "k_norm")}
    | {
        "gate": Slot("layers.{i}.mlp.gate_up_proj.weight", part=(0, 2)),
        "up": Slot("layers.{i}.mlp.gate_up_proj.weight", part=(1, 2)),
        "down": "layers.{i}.mlp.down_proj.weight",
        "norm_attn_out": "layers.{i}.post_self_attn_layernorm.weight",
        "norm_mlp_out": "layers.{i}.post_mlp_layernorm.weight",
    },
    unprefixed=UNEMBED,
    constants=(r"\.rotary_emb\.inv_freq$",),
    required=("embed", "q", "k", "v", "o", "norm_attn", "norm_mlp", "gate", "down"),
    rotary="interleaved",
    query_key_norm="none",
    config={"partial_rotary_factor": 0.5},
    switches={
        f"model_type={name}": {"rotary": ""} for name in ("glm4v_text", "glm46v_text")
    },  # positions in sections
)
