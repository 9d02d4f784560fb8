"""What is published of a family, at toy width, and the names that many families share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WIDTH, LAYERS, VOCAB, HEADS, SIZE, HIDDEN, EXPERTS, EXPERT = 32, 2, 128, 4, 8, 64, 3, 48
RMS_NORMS = {"input_layernorm.weight": "norm_attn", "post_attention_layernorm.weight": "norm_mlp"}
ATTENTION = {f"self_attn.{role}_proj.weight": role for role in "qkvo"}
QK_NORMS = {"self_attn.q_norm.weight": "q_norm", "self_attn.k_norm.weight": "k_norm"}
MLP = {"mlp.gate_proj.weight": "gate", "mlp.up_proj.weight": "up", "mlp.down_proj.weight": "down"}
GLOBALS = {"model.embed_tokens.weight": "embed", "model.norm.weight": "norm_final"}
HEAD = {"lm_head.weight": "unembed"}
CONFIG = {
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": HIDDEN,
    "vocab_size": VOCAB,
}


def biased(names: dict[str, str]) -> dict[str, str]:
    """Weight and bias by what both names begin with."""
    return {f"{name}.{kind}": role + ("_bias" if kind == "bias" else "") for name, role in names.items()
            for kind in ("weight", "bias")}  # fmt: skip


@dataclass(frozen=True)
class Published:
    """What is published of a family: its names, what its fused tensors hold in which order, and what it computes."""

    globals: dict[str, str]
    at: str
    """What the names of a layer begin with."""
    layer: dict[str, str]
    config: dict[str, Any]
    stacked: dict[str, tuple[str, ...]]
    """Tensors of parts one after the other."""
    by_group: dict[str, tuple[str, str, str]]
    """Tensors of, for each kv head, its query heads, its k and its v."""
    kv_heads: int = 2
    norm: str = "rms"
    offset: int = 0
    post_norm: bool = False
    gated: bool = True
    positions: str = "rotary"
    tied: bool = False
    before_attn: str | None = "norm_attn"
    before_mlp: str | None = "norm_mlp"
    rest: tuple[str, ...] = ()
    """Stored tensors that no test compares."""
    constants: tuple[str, ...] = ()
    """Buffers of a layer."""
    named: str | None = None
    """Name of the table, if another than that of the family."""
    model_type: str | None = ""
    """As config.json gives it, if otherwise than the family is called here; None if it does not."""
    layers: int = LAYERS
    further: tuple[tuple[str, dict[str, str]], ...] = ()
    """Stacks of layers behind the first."""
    heads: tuple[int, int] = (HEADS, SIZE)
    """Heads and their size as far as they can be known; a size of 0 where there are no kv heads."""
    narrow: int = WIDTH
    """Width of the embedding."""
    sizes: tuple[int, int, int, int] = (HIDDEN, 0, 0, 0)
    """Units, experts, units of an expert, units of the shared one."""
    refused: tuple[tuple[str, str], ...] = ()
    """Tests that do not apply, and the reason."""


def llama_like(**changes: Any) -> Published:
    """RMS norm, SwiGLU, rotary positions, untied, two kv heads."""
    fields: dict[str, Any] = {
        "globals": GLOBALS | HEAD,
        "at": "model.layers.",
        "layer": ATTENTION | RMS_NORMS | MLP,
        "config": CONFIG | {"num_key_value_heads": 2},
        "stacked": {},
        "by_group": {},
    }
    return Published(**(fields | changes))


def gpt_like(**changes: Any) -> Published:
    """Layer norm, no gate, as many kv heads as heads."""
    fields: dict[str, Any] = {"norm": "layer", "gated": False, "kv_heads": HEADS, "stacked": {}, "by_group": {}}
    return Published(**(fields | {"config": CONFIG} | changes))


MIXTRAL_EXPERTS = {f"block_sparse_moe.experts.{e}.{w}.weight": f"expert_{role} {e}"
                   for e in range(EXPERTS) for w, role in (("w1", "gate"), ("w3", "up"), ("w2", "down"))}  # fmt: skip
QWEN_EXPERTS = {f"mlp.experts.{e}.{role}_proj.weight": f"expert_{role} {e}"
                for e in range(EXPERTS) for role in ("gate", "up", "down")}  # fmt: skip
SANDWICH = {
    "input_layernorm.weight": "norm_attn",
    "post_attention_layernorm.weight": "norm_attn_out",
    "pre_feedforward_layernorm.weight": "norm_mlp",
    "post_feedforward_layernorm.weight": "norm_mlp_out",
}
H_TO_4H = {"mlp.dense_h_to_4h": "up", "mlp.dense_4h_to_h": "down"}
QKV = ("q", "k", "v")
QKV_BIAS = ("q_bias", "k_bias", "v_bias")
BLOOM_GLOBALS = {"transformer.word_embeddings.weight": "embed"} | biased({"transformer.ln_f": "norm_final"})
