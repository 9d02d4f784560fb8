"""Decoders as published: the names of their tensors, written out."""

from __future__ import annotations

from tests.published import (
    ATTENTION,
    BLOOM_GLOBALS,
    CONFIG,
    EXPERT,
    EXPERTS,
    GLOBALS,
    H_TO_4H,
    HEAD,
    HEADS,
    HIDDEN,
    LAYERS,
    MIXTRAL_EXPERTS,
    MLP,
    QK_NORMS,
    QKV,
    QKV_BIAS,
    QWEN_EXPERTS,
    RMS_NORMS,
    SANDWICH,
    SIZE,
    VOCAB,
    WIDTH,
    Published,
    biased,
    gpt_like,
    llama_like,
)

DECODERS: dict[str, Published] = {
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
    "hf_olmo": llama_like(
        globals={
            "model.transformer.wte.weight": "embed",
            "model.transformer.ln_f.weight": "norm_final",
            "model.transformer.ff_out.weight": "unembed",
        },
        at="model.transformer.blocks.",
        layer={
            "attn_norm.weight": "norm_attn",
            "ff_norm.weight": "norm_mlp",
            "attn_out.weight": "o",
            "ff_out.weight": "down",
        },
        stacked={"att_proj.weight": QKV, "ff_proj.weight": ("up", "gate")},
        config={
            "d_model": WIDTH,
            "n_heads": HEADS,
            "n_kv_heads": 2,
            "n_layers": LAYERS,
            "mlp_hidden_size": 2 * HIDDEN,
            "vocab_size": VOCAB - 24,
            "embedding_size": VOCAB,
            "activation_type": "swiglu",
            "layer_norm_type": "rms",
            "rope": True,
            "alibi": False,
            "attention_layer_norm": False,
            "weight_tying": False,
        },
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
            "original_rope": True,
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
