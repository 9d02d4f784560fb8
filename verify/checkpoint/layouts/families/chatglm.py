"""ChatGLM 2 and 3, GLM-4: q, k and v stacked by heads, gate and up in one tensor."""

from ..layout import Family, Slot, fused_qkv

CHATGLM = Family(
    name="chatglm",
    model_types=("chatglm",),
    prefixes=("transformer.", ""),
    globals={
        "embed": "embedding.word_embeddings.weight",
        "unembed": "output_layer.weight",
        "norm_final": "encoder.final_layernorm.weight",
    },
    layer={
        **fused_qkv("encoder.layers.{i}.self_attention.query_key_value", "heads"),
        "o": "encoder.layers.{i}.self_attention.dense.weight",
        "norm_attn": "encoder.layers.{i}.input_layernorm.weight",
        "norm_mlp": "encoder.layers.{i}.post_attention_layernorm.weight",
        "gate": Slot("encoder.layers.{i}.mlp.dense_h_to_4h.weight", part=(0, 2)),
        "up": Slot("encoder.layers.{i}.mlp.dense_h_to_4h.weight", part=(1, 2)),
        "down": "encoder.layers.{i}.mlp.dense_4h_to_h.weight",
    },
    constants=(r"(^|\.)rotary_pos_emb\.inv_freq$",),
    required=("embed", "q", "o", "norm_attn", "norm_mlp", "gate", "down"),
    kv_heads=("multi_query_group_num",),
    query_key_norm="none",
    config={"partial_rotary_factor": 0.5},
    switches={"original_rope": {"rotary": "interleaved"}},  # elsewhere not known which
)
