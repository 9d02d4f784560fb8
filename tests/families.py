"""Families as published, at toy width, with random weights.

The names are written out, and fused tensors built from their parts, so that the library's tables are proved against
them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.checkpoints import Array, Toy

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
PUBLISHED: dict[str, Published] = {
    "mixtral": llama_like(
        sizes=(0, EXPERTS, EXPERT, 0),
        layer=ATTENTION | RMS_NORMS | MIXTRAL_EXPERTS | {"block_sparse_moe.gate.weight": "router"},
        config=CONFIG | {"num_key_value_heads": 2, "num_local_experts": EXPERTS, "intermediate_size": EXPERT},
    ),
    "qwen3_moe": llama_like(
        sizes=(0, EXPERTS, EXPERT, 0),
        layer=ATTENTION | RMS_NORMS | QK_NORMS | QWEN_EXPERTS | {"mlp.gate.weight": "router"},
        config=CONFIG
        | {"num_key_value_heads": 2, "head_dim": SIZE, "num_experts": EXPERTS, "moe_intermediate_size": EXPERT},
    ),
    "phi3": llama_like(
        layer=RMS_NORMS | {"self_attn.o_proj.weight": "o", "mlp.down_proj.weight": "down"},
        stacked={"self_attn.qkv_proj.weight": QKV, "mlp.gate_up_proj.weight": ("gate", "up")},
    ),
    "gpt_neox": gpt_like(
        globals={"gpt_neox.embed_in.weight": "embed", "embed_out.weight": "unembed"}
        | biased({"gpt_neox.final_layer_norm": "norm_final"}),
        at="gpt_neox.layers.",
        layer=biased(
            H_TO_4H | {"attention.dense": "o", "input_layernorm": "norm_attn", "post_attention_layernorm": "norm_mlp"}
        ),
        by_group={"attention.query_key_value.weight": QKV, "attention.query_key_value.bias": QKV_BIAS},
        constants=("attention.bias", "attention.masked_bias", "attention.rotary_emb.inv_freq"),
    ),
    "gemma": llama_like(
        globals=GLOBALS, config=CONFIG | {"num_key_value_heads": 2, "head_dim": SIZE}, offset=1, tied=True
    ),
    "gemma2": llama_like(globals=GLOBALS, layer=ATTENTION | SANDWICH | MLP, offset=1, tied=True),
    "gemma3_text": llama_like(
        globals=GLOBALS, layer=ATTENTION | QK_NORMS | SANDWICH | MLP, offset=1, tied=True, named="gemma2"
    ),
    "olmo": llama_like(
        globals={"model.embed_tokens.weight": "embed"} | HEAD,
        layer=ATTENTION | MLP,
        config=CONFIG | {"num_key_value_heads": 2, "clip_qkv": None},
        norm="layer",
        before_attn=None,
        before_mlp=None,
    ),
    "olmo2": llama_like(
        layer=ATTENTION
        | MLP
        | {"self_attn.q_norm.weight": "q_norm all", "self_attn.k_norm.weight": "k_norm all"}
        | {"post_attention_layernorm.weight": "norm_attn_out", "post_feedforward_layernorm.weight": "norm_mlp_out"},
        post_norm=True,
        before_attn=None,
        before_mlp=None,
    ),
    "internlm2": llama_like(
        globals={
            "model.tok_embeddings.weight": "embed",
            "model.norm.weight": "norm_final",
            "output.weight": "unembed",
        },
        layer={
            "attention.wo.weight": "o",
            "attention_norm.weight": "norm_attn",
            "ffn_norm.weight": "norm_mlp",
            "feed_forward.w1.weight": "gate",
            "feed_forward.w3.weight": "up",
            "feed_forward.w2.weight": "down",
        },
        by_group={"attention.wqkv.weight": QKV},
    ),
    "falcon": gpt_like(
        globals=BLOOM_GLOBALS,
        at="transformer.h.",
        layer={
            "self_attention.dense.weight": "o",
            "mlp.dense_h_to_4h.weight": "up",
            "mlp.dense_4h_to_h.weight": "down",
        }
        | biased({"input_layernorm": "norm_attn"}),
        config=CONFIG | {"multi_query": True, "num_kv_heads": HEADS, "alibi": False, "parallel_attn": True},
        stacked={"self_attention.query_key_value.weight": QKV},
        kv_heads=1,
        tied=True,
        before_mlp="norm_attn",
    ),
    "opt": gpt_like(
        globals={"model.decoder.embed_tokens.weight": "embed", "model.decoder.embed_positions.weight": "position"}
        | biased({"model.decoder.final_layer_norm": "norm_final"}),
        at="model.decoder.layers.",
        layer=biased(
            {f"self_attn.{role}_proj": role for role in QKV}
            | {"self_attn.out_proj": "o", "fc1": "up", "fc2": "down"}
            | {"self_attn_layer_norm": "norm_attn", "final_layer_norm": "norm_mlp"}
        ),
        config={"ffn_dim": HIDDEN} | {key: value for key, value in CONFIG.items() if key != "intermediate_size"},
        positions="learned",
        tied=True,
    ),
    "gptj": gpt_like(
        globals={"transformer.wte.weight": "embed", "lm_head.weight": "unembed", "lm_head.bias": "unembed_bias"}
        | biased({"transformer.ln_f": "norm_final"}),
        at="transformer.h.",
        layer={f"attn.{role}_proj.weight": role for role in QKV}
        | {"attn.out_proj.weight": "o"}
        | biased({"mlp.fc_in": "up", "mlp.fc_out": "down", "ln_1": "norm_attn"}),
        config={"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_inner": None, "vocab_size": VOCAB}
        | {"rotary_dim": 4, "tie_word_embeddings": False},
        before_mlp="norm_attn",
        constants=("attn.bias", "attn.masked_bias"),
    ),
    "mpt": gpt_like(
        globals={"transformer.wte.weight": "embed", "transformer.norm_f.weight": "norm_final"},
        at="transformer.blocks.",
        layer={
            "attn.out_proj.weight": "o",
            "ffn.up_proj.weight": "up",
            "ffn.down_proj.weight": "down",
            "norm_1.weight": "norm_attn",
            "norm_2.weight": "norm_mlp",
        },
        config={"d_model": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "expansion_ratio": 2, "vocab_size": VOCAB}
        | {"attn_config": {"alibi": True, "clip_qkv": None}},
        stacked={"attn.Wqkv.weight": QKV},
        positions="none",
        tied=True,
    ),
    "baichuan": llama_like(
        layer=RMS_NORMS | MLP | {"self_attn.o_proj.weight": "o"},
        config=CONFIG | {"max_position_embeddings": 64},
        stacked={"self_attn.W_pack.weight": QKV},
        kv_heads=HEADS,
    ),
    "qwen": llama_like(
        globals={"transformer.wte.weight": "embed", "transformer.ln_f.weight": "norm_final"} | HEAD,
        at="transformer.h.",
        layer={
            "attn.c_proj.weight": "o",
            "mlp.w1.weight": "up",
            "mlp.w2.weight": "gate",
            "mlp.c_proj.weight": "down",
            "ln_1.weight": "norm_attn",
            "ln_2.weight": "norm_mlp",
        },
        config=CONFIG | {"intermediate_size": 2 * HIDDEN, "kv_channels": SIZE},
        stacked={"attn.c_attn.weight": QKV, "attn.c_attn.bias": QKV_BIAS},
        kv_heads=HEADS,
    ),
    "chatglm": llama_like(
        globals={
            "transformer.embedding.word_embeddings.weight": "embed",
            "transformer.encoder.final_layernorm.weight": "norm_final",
            "transformer.output_layer.weight": "unembed",
        },
        at="transformer.encoder.layers.",
        layer=RMS_NORMS | {"self_attention.dense.weight": "o", "mlp.dense_4h_to_h.weight": "down"},
        config={
            "hidden_size": WIDTH,
            "num_layers": LAYERS,
            "num_attention_heads": HEADS,
            "multi_query_attention": True,
            "multi_query_group_num": 2,
            "kv_channels": SIZE,
            "ffn_hidden_size": HIDDEN,
            "padded_vocab_size": VOCAB,
        },
        stacked={
            "self_attention.query_key_value.weight": QKV,
            "self_attention.query_key_value.bias": QKV_BIAS,
            "mlp.dense_h_to_4h.weight": ("gate", "up"),
        },
    ),
    "glm": llama_like(
        layer=ATTENTION
        | RMS_NORMS
        | {f"self_attn.{role}_proj.bias": f"{role}_bias" for role in QKV}
        | {"mlp.down_proj.weight": "down"},
        stacked={"mlp.gate_up_proj.weight": ("gate", "up")},
    ),
    "glm4": llama_like(
        layer=ATTENTION
        | RMS_NORMS
        | {"post_self_attn_layernorm.weight": "norm_attn_out", "post_mlp_layernorm.weight": "norm_mlp_out"}
        | {"mlp.down_proj.weight": "down"},
        stacked={"mlp.gate_up_proj.weight": ("gate", "up")},
        named="glm",
    ),
    "distilbert": gpt_like(
        globals={
            "distilbert.embeddings.word_embeddings.weight": "embed",
            "distilbert.embeddings.position_embeddings.weight": "position",
        }
        | biased({"distilbert.embeddings.LayerNorm": "norm_embed"}),
        at="distilbert.transformer.layer.",
        layer=biased(
            {f"attention.{role}_lin": role for role in QKV}
            | {"attention.out_lin": "o", "ffn.lin1": "up", "ffn.lin2": "down"}
            | {"sa_layer_norm": "norm_mlp", "output_layer_norm": "norm_out"}
        ),
        config={"dim": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "hidden_dim": HIDDEN, "vocab_size": VOCAB}
        | {"sinusoidal_pos_embds": False},
        post_norm=True,
        positions="learned",
        tied=True,
        before_attn="norm_out",
        rest=("vocab_transform.weight", "vocab_layer_norm.weight", "vocab_projector.bias"),
    ),
    "bloom": gpt_like(
        globals=BLOOM_GLOBALS | biased({"transformer.word_embeddings_layernorm": "norm_embed"}),
        at="transformer.h.",
        layer=biased(
            H_TO_4H
            | {"self_attention.dense": "o", "input_layernorm": "norm_attn", "post_attention_layernorm": "norm_mlp"}
        ),
        config={"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "vocab_size": VOCAB},
        by_group={"self_attention.query_key_value.weight": QKV, "self_attention.query_key_value.bias": QKV_BIAS},
        positions="none",
        tied=True,
    ),
}
NO_TOKENS = (("response_identity", "no embedding of tokens"), ("stream_identity", "no embedding of tokens"))
TOWER_LAYER = biased(
    {f"self_attn.{role}_proj": role for role in QKV}
    | {"self_attn.out_proj": "o", "mlp.fc1": "up", "mlp.fc2": "down"}
    | {"layer_norm1": "norm_attn", "layer_norm2": "norm_mlp"}
)
T5_ENCODER = {f"layer.0.SelfAttention.{role}.weight": role for role in "qkvo"}
T5_ENCODER |= {"layer.0.layer_norm.weight": "norm_attn", "layer.1.layer_norm.weight": "norm_mlp"}
T5_DECODER = T5_ENCODER | {"layer.2.layer_norm.weight": "norm_mlp"}
T5_DECODER = {name: role for name, role in T5_DECODER.items() if name != "layer.1.layer_norm.weight"}
T5_CROSS = [f"decoder.block.{i}.layer.1.{name}.weight" for i in range(LAYERS)
            for name in (*(f"EncDecAttention.{role}" for role in "qkvo"), "layer_norm")]  # fmt: skip
T5_REST = (
    "encoder.final_layer_norm.weight",
    "encoder.embed_tokens.weight",
    *(f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight" for stack in ("encoder", "decoder")),
    *T5_CROSS,
)


def t5_like(mlp: dict[str, str], **changes: Any) -> Published:
    """Encoder and decoder of one shape; the cross attention is compared by no test."""
    fields: dict[str, Any] = {
        "globals": {"shared.weight": "embed", "decoder.final_layer_norm.weight": "norm_final"},
        "at": "encoder.block.",
        "layer": T5_ENCODER | {f"layer.1.DenseReluDense.{name}.weight": role for name, role in mlp.items()},
        "further": (
            ("decoder.block.", T5_DECODER | {f"layer.2.DenseReluDense.{n}.weight": role for n, role in mlp.items()}),
        ),
        "config": {"d_model": WIDTH, "d_kv": SIZE, "d_ff": HIDDEN, "num_heads": HEADS, "num_layers": LAYERS}
        | {"num_decoder_layers": LAYERS, "vocab_size": VOCAB},
        "kv_heads": HEADS,
        "positions": "none",
        "rest": T5_REST,
    }
    return llama_like(**(fields | changes))


def deepseek_like(query: dict[str, str], **changes: Any) -> Published:
    """Attention through a latent, routed experts and shared ones."""
    latent = {
        "self_attn.kv_a_proj_with_mqa.weight": "latent_kv_a",
        "self_attn.kv_a_layernorm.weight": "latent_kv_a_norm",
        "self_attn.kv_b_proj.weight": "latent_kv_b",
        "self_attn.o_proj.weight": "latent_o",
    }
    shared = {f"mlp.shared_experts.{role}_proj.weight": f"shared_{role}" for role in ("gate", "up", "down")}
    fields: dict[str, Any] = {
        "layer": RMS_NORMS | query | latent | QWEN_EXPERTS | shared | {"mlp.gate.weight": "router"},
        "config": CONFIG
        | {"n_routed_experts": EXPERTS, "moe_intermediate_size": EXPERT, "num_key_value_heads": HEADS},
        "kv_heads": 0,
        "heads": (HEADS, 0),
        "named": "deepseek",
        "sizes": (0, EXPERTS, EXPERT, HIDDEN),
        "refused": (("value_identity", "makes k and v from a latent"),),
    }
    return llama_like(**(fields | changes))


PUBLISHED |= {
    "deepseek_v2": deepseek_like({"self_attn.q_proj.weight": "latent_q"}),
    "deepseek_v3": deepseek_like(
        {
            "self_attn.q_a_proj.weight": "latent_q_a",
            "self_attn.q_a_layernorm.weight": "latent_q_a_norm",
            "self_attn.q_b_proj.weight": "latent_q_b",
            "mlp.gate.e_score_correction_bias": "router_bias",
        }
    ),
    "falcon 40b": replace(
        PUBLISHED["falcon"],
        layer=PUBLISHED["falcon"].layer | biased({"ln_attn": "norm_attn", "ln_mlp": "norm_mlp"}),
        config=CONFIG | {"new_decoder_architecture": True, "num_kv_heads": 2, "alibi": False, "parallel_attn": True},
        stacked={},
        by_group={"self_attention.query_key_value.weight": QKV},
        kv_heads=2,
        before_mlp="norm_mlp",
        named="falcon_grouped",
        model_type="falcon",
    ),
    "falcon 11b": replace(
        PUBLISHED["falcon"],
        config=CONFIG | {"new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1},
        stacked={},
        by_group={"self_attention.query_key_value.weight": QKV},
        kv_heads=2,
        named="falcon",
        model_type="falcon",
    ),
    "mpnet": gpt_like(
        globals={
            "mpnet.embeddings.word_embeddings.weight": "embed",
            "mpnet.embeddings.position_embeddings.weight": "position",
        }
        | biased({"mpnet.embeddings.LayerNorm": "norm_embed"}),
        at="mpnet.encoder.layer.",
        layer=biased(
            {f"attention.attn.{role}": role for role in "qkvo"}
            | {"intermediate.dense": "up", "output.dense": "down"}
            | {"attention.LayerNorm": "norm_mlp", "output.LayerNorm": "norm_out"}
        ),
        post_norm=True,
        positions="learned",
        tied=True,
        before_attn="norm_out",
        rest=("mpnet.encoder.relative_attention_bias.weight", "mpnet.pooler.dense.weight", "lm_head.dense.weight"),
    ),
    "electra": gpt_like(
        globals={
            "electra.embeddings.word_embeddings.weight": "embed",
            "electra.embeddings.position_embeddings.weight": "position",
        }
        | biased({"electra.embeddings.LayerNorm": "norm_embed"}),
        at="electra.encoder.layer.",
        layer=biased(
            {f"attention.self.{name}": name[0] for name in ("query", "key", "value")}
            | {"attention.output.dense": "o", "intermediate.dense": "up", "output.dense": "down"}
            | {"attention.output.LayerNorm": "norm_mlp", "output.LayerNorm": "norm_out"}
        ),
        post_norm=True,
        positions="learned",
        tied=True,
        before_attn="norm_out",
        named="bert",
        rest=("electra.embeddings.token_type_embeddings.weight", "discriminator_predictions.dense.weight"),
    ),
    "albert": gpt_like(
        globals={"albert.embeddings.word_embeddings.weight": "embed"}
        | biased(
            {
                "albert.embeddings.LayerNorm": "norm_embed",
                "albert.encoder.embedding_hidden_mapping_in": "embed_map",
            }
        ),
        at="albert.encoder.albert_layer_groups.",
        layer=biased(
            {f"albert_layers.0.attention.{name}": name[0] for name in ("query", "key", "value")}
            | {
                "albert_layers.0.attention.dense": "o",
                "albert_layers.0.ffn": "up",
                "albert_layers.0.ffn_output": "down",
            }
            | {"albert_layers.0.attention.LayerNorm": "norm_mlp", "albert_layers.0.full_layer_layer_norm": "norm_out"}
        ),
        config=CONFIG | {"num_hidden_layers": 12, "num_hidden_groups": 1, "embedding_size": 12},
        layers=1,
        narrow=12,
        post_norm=True,
        positions="learned",
        tied=True,
        before_attn=None,
        rest=(
            "albert.embeddings.position_embeddings.weight",
            "albert.embeddings.token_type_embeddings.weight",
            "albert.pooler.weight",
            "predictions.decoder.bias",
        ),
    ),
    "t5": t5_like({"wi": "up", "wo": "down"}, gated=False, tied=True),
    "t5 1.1": t5_like(
        {"wi_0": "gate", "wi_1": "up", "wo": "down"},
        globals={"shared.weight": "embed", "decoder.final_layer_norm.weight": "norm_final"} | HEAD,
        config=t5_like({}).config | {"tie_word_embeddings": False},
        named="t5_gated",
        model_type="t5",
    ),
    "clip_text_model": gpt_like(
        globals={
            "text_model.embeddings.token_embedding.weight": "embed",
            "text_model.embeddings.position_embedding.weight": "position",
        }
        | biased({"text_model.final_layer_norm": "norm_final"}),
        at="text_model.encoder.layers.",
        layer=TOWER_LAYER,
        positions="learned",
        tied=True,
        named="clip_text",
        rest=("text_projection.weight",),
    ),
    "clip_vision_model": gpt_like(
        globals=biased({"vision_model.pre_layrnorm": "norm_embed", "vision_model.post_layernorm": "norm_final"}),
        at="vision_model.encoder.layers.",
        layer=TOWER_LAYER,
        positions="learned",
        named="clip_vision",
        rest=(
            "vision_model.embeddings.class_embedding",
            "vision_model.embeddings.patch_embedding.weight",
            "vision_model.embeddings.position_embedding.weight",
            "visual_projection.weight",
        ),
        refused=NO_TOKENS,
    ),
    "vit": gpt_like(
        globals=biased({"vit.layernorm": "norm_final"}),
        at="vit.encoder.layer.",
        layer=biased(
            {f"attention.attention.{name}": name[0] for name in ("query", "key", "value")}
            | {"attention.output.dense": "o", "intermediate.dense": "up", "output.dense": "down"}
            | {"layernorm_before": "norm_attn", "layernorm_after": "norm_mlp"}
        ),
        positions="learned",
        rest=(
            "vit.embeddings.cls_token",
            "vit.embeddings.position_embeddings",
            "vit.embeddings.patch_embeddings.projection.weight",
            "vit.embeddings.patch_embeddings.projection.bias",
            "classifier.weight",
        ),
        refused=NO_TOKENS,
    ),
    "torch_encoder": gpt_like(
        globals={},
        at="layers.",
        layer=biased({"self_attn.out_proj": "o", "linear1": "up", "linear2": "down"})
        | biased({"norm1": "norm_mlp", "norm2": "norm_out"}),
        config={},
        stacked={"self_attn.in_proj_weight": QKV, "self_attn.in_proj_bias": QKV_BIAS},
        heads=(0, 0),
        post_norm=True,
        positions="unknown",
        before_attn="norm_out",
        model_type=None,
        refused=(
            ("response_identity", "no embedding of tokens"),
            ("stream_identity", "model type '' of .* is not known"),
            ("value_identity", "attention heads of .* are not known"),
            ("sign_agreement", "attention heads of .* are not known"),
        ),
    ),
    "lfm2": llama_like(
        globals={"model.embed_tokens.weight": "embed", "model.embedding_norm.weight": "norm_final"},
        layer={f"self_attn.{role}_proj.weight": role for role in QKV}
        | {"self_attn.out_proj.weight": "o", "self_attn.q_layernorm.weight": "q_norm"}
        | {"self_attn.k_layernorm.weight": "k_norm", "operator_norm.weight": "norm_attn"}
        | {"ffn_norm.weight": "norm_mlp", "feed_forward.w1.weight": "gate"}
        | {"feed_forward.w3.weight": "up", "feed_forward.w2.weight": "down"},
        config=CONFIG | {"num_key_value_heads": 2, "intermediate_size": 96, "block_auto_adjust_ff_dim": True},
        tied=True,
    ),
    "glm4_moe": llama_like(
        sizes=(0, EXPERTS, EXPERT, HIDDEN),
        layer=ATTENTION
        | RMS_NORMS
        | QK_NORMS
        | QWEN_EXPERTS
        | {f"self_attn.{role}_proj.bias": f"{role}_bias" for role in QKV}
        | {f"mlp.shared_experts.{role}_proj.weight": f"shared_{role}" for role in ("gate", "up", "down")}
        | {"mlp.gate.weight": "router", "mlp.gate.e_score_correction_bias": "router_bias"},
        config=CONFIG | {"num_key_value_heads": 2, "n_routed_experts": EXPERTS, "moe_intermediate_size": EXPERT},
    ),
    "falcon rw": gpt_like(
        globals=BLOOM_GLOBALS,
        at="transformer.h.",
        layer=biased(
            H_TO_4H
            | {"self_attention.dense": "o", "input_layernorm": "norm_attn", "post_attention_layernorm": "norm_mlp"}
        ),
        config=CONFIG | {"multi_query": False, "num_kv_heads": HEADS, "alibi": True, "parallel_attn": False},
        by_group={"self_attention.query_key_value.weight": QKV, "self_attention.query_key_value.bias": QKV_BIAS},
        positions="none",
        tied=True,
        named="falcon_rw",
        model_type="falcon",
    ),
    "gpt_bigcode": gpt_like(
        globals={"transformer.wte.weight": "embed", "transformer.wpe.weight": "position"}
        | biased({"transformer.ln_f": "norm_final"}),
        at="transformer.h.",
        layer=biased(
            {"attn.c_proj": "o", "mlp.c_fc": "up", "mlp.c_proj": "down", "ln_1": "norm_attn", "ln_2": "norm_mlp"}
        ),
        config={"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_inner": HIDDEN, "vocab_size": VOCAB}
        | {"multi_query": True, "num_key_value_heads": 2},
        stacked={"attn.c_attn.weight": QKV, "attn.c_attn.bias": QKV_BIAS},
        kv_heads=1,
        positions="learned",
        tied=True,
    ),
}
del PUBLISHED["falcon 40b"].layer["input_layernorm.weight"], PUBLISHED["falcon 40b"].layer["input_layernorm.bias"]


def shape(role: str, kv_heads: int, narrow: int = WIDTH) -> tuple[int, ...]:
    """Canonical shape of a role; a bias has the rows of its matrix."""
    if role.endswith("_bias") and not role.startswith("norm_"):
        return shape(role.removesuffix("_bias"), kv_heads)[:1]
    if role.startswith("norm_embed"):
        return (narrow,)
    rows, kv = HEADS * SIZE, kv_heads * SIZE
    shapes: dict[str, tuple[int, ...]] = {
        "embed": (VOCAB, narrow),
        "embed_map": (WIDTH, narrow),
        "unembed": (VOCAB, WIDTH),
        "position": (16, WIDTH),
        "shared_gate": (HIDDEN, WIDTH),
        "shared_up": (HIDDEN, WIDTH),
        "shared_down": (WIDTH, HIDDEN),
        "latent_q": (HEADS * 12, WIDTH),
        "latent_q_a": (12, WIDTH),
        "latent_q_a_norm": (12,),
        "latent_q_b": (HEADS * 12, 12),
        "latent_kv_a": (14, WIDTH),
        "latent_kv_a_norm": (10,),
        "latent_kv_b": (HEADS * 16, 10),
        "latent_o": (WIDTH, HEADS * 8),
        "q": (rows, WIDTH),
        "k": (kv, WIDTH),
        "v": (kv, WIDTH),
        "o": (WIDTH, rows),
        "gate": (HIDDEN, WIDTH),
        "up": (HIDDEN, WIDTH),
        "down": (WIDTH, HIDDEN),
        "expert_gate": (EXPERT, WIDTH),
        "expert_up": (EXPERT, WIDTH),
        "expert_down": (WIDTH, EXPERT),
        "router": (EXPERTS, WIDTH),
        "router_bias": (EXPERTS,),
        "q_norm": (SIZE,),
        "k_norm": (SIZE,),
        "q_norm all": (rows,),
        "k_norm all": (kv,),
    }
    return shapes.get(role, (WIDTH,))


def toy(family: str, seed: int = 0) -> Toy:
    """A model of a published family, as stored and as meant."""
    facts, rng = PUBLISHED[family], np.random.default_rng(seed)
    tensors: dict[str, Array] = {}
    canonical: dict[tuple[str, int | None, int | None], Array] = {}

    def draw(named: str, layer: int | None) -> Array:
        role, _, number = named.partition(" ")
        size = shape(named if number == "all" else role, facts.kv_heads, facts.narrow)
        value = rng.standard_normal(size) if len(size) > 1 else rng.uniform(0.5, 1.5, size)
        expert = int(number) if number.isdigit() else None
        canonical[role, layer, expert] = value.astype(np.float32)
        return canonical[role, layer, expert]

    for name, role in facts.globals.items():
        tensors[name] = draw(role, None)
    for n, (start, layer) in enumerate(facts.further, start=1):
        for i in range(facts.layers):
            for name, role in layer.items():
                tensors[f"{start}{i}.{name}"] = draw(role, n * facts.layers + i)
    for i in range(facts.layers):
        at = f"{facts.at}{i}."
        for name, role in facts.layer.items():
            tensors[at + name] = draw(role, i)
        for name, parts in facts.stacked.items():
            tensors[at + name] = np.concatenate([draw(part, i) for part in parts])
        for name, trio in facts.by_group.items():
            tensors[at + name] = by_group(*(draw(part, i) for part in trio), kv_heads=facts.kv_heads)
        for name in facts.constants:
            tensors[at + name] = np.ones(4, np.float32)
    tensors |= {name: np.ones(4, np.float32) for name in facts.rest}
    named = family if facts.model_type == "" else facts.model_type
    return Toy(tensors, facts.config | ({} if named is None else {"model_type": named}), canonical)


def by_group(q: Array, k: Array, v: Array, kv_heads: int) -> Array:
    """For each kv head, the rows of its query heads, of its k, of its v."""
    sharing = HEADS // kv_heads * SIZE
    pieces: list[Array] = []
    for g in range(kv_heads):
        pieces += [q[g * sharing : (g + 1) * sharing], k[g * SIZE : (g + 1) * SIZE], v[g * SIZE : (g + 1) * SIZE]]
    return np.concatenate(pieces)
