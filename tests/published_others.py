"""Towers, encoders, latent attention and other stacks as published: the names of their tensors, written out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.published import (
    ATTENTION,
    BLOOM_GLOBALS,
    CONFIG,
    EXPERT,
    EXPERTS,
    H_TO_4H,
    HEAD,
    HEADS,
    HIDDEN,
    LAYERS,
    QK_NORMS,
    QKV,
    QKV_BIAS,
    QWEN_EXPERTS,
    RMS_NORMS,
    SIZE,
    VOCAB,
    WIDTH,
    Published,
    biased,
    gpt_like,
    llama_like,
)
from tests.published_decoders import DECODERS

NO_TOKENS = (("response_identity", "no token embedding"), ("stream_identity", "no token embedding"))
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
        "kv_heads": HEADS,
        "named": "deepseek",
        "sizes": (0, EXPERTS, EXPERT, HIDDEN),
    }
    return llama_like(**(fields | changes))


OTHERS: dict[str, Published] = {
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
        DECODERS["falcon"],
        layer=DECODERS["falcon"].layer | biased({"ln_attn": "norm_attn", "ln_mlp": "norm_mlp"}),
        config=CONFIG | {"new_decoder_architecture": True, "num_kv_heads": 2, "alibi": False, "parallel_attn": True},
        stacked={},
        by_group={"self_attention.query_key_value.weight": QKV},
        kv_heads=2,
        before_mlp="norm_mlp",
        named="falcon_grouped",
        model_type="falcon",
    ),
    "falcon 11b": replace(
        DECODERS["falcon"],
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
            ("response_identity", "no token embedding"),
            ("stream_identity", "model type '' of .* is not known"),
            ("value_identity", "number of attention heads of .* is not known"),
            ("sign_agreement", "number of attention heads of .* is not known"),
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
del OTHERS["falcon 40b"].layer["input_layernorm.weight"], OTHERS["falcon 40b"].layer["input_layernorm.bias"]
