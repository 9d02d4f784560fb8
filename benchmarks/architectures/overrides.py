"""What the rules of ``toy`` get wrong, by model type, and variants of types.

Entries replace those of the shrunk configuration, nested ones (``..._config``) within it; ``DROP`` leaves an entry to
its default.
"""

from __future__ import annotations

from typing import Any

DROP = "drop"
CLASSES: dict[str, str] = {
    "clip": "CLIPModel",
    "siglip": "SiglipModel",
    "siglip2": "Siglip2Model",
    "metaclip_2": "MetaClip2Model",
    "chinese_clip": "ChineseCLIPModel",
    "gemma3n": "Gemma3nForConditionalGeneration",
    "zamba": "ZambaForCausalLM",
    "hiera": "HieraForImageClassification",
}
"""Class to build, where the first listed is not what people upload."""

PARTS: dict[str, str] = {"llama4": "language_model"}
"""The part that is run, where the whole does not run on text alone."""

_LATENT = {"head_dim": 8, "num_key_value_heads": 4}
_GEMMA4 = {
    "per_layer_config": DROP,
    "hidden_size_per_layer_input": 12,
    "num_hidden_layers": 3,
    "head_dim": 16,
    "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
    "global_head_dim": 32,
    "num_kv_shared_layers": 0,
}
_GEMMA4_MOE = _GEMMA4 | {
    "enable_moe_block": True,
    "num_experts": 6,
    "top_k_experts": 2,
    "moe_intermediate_size": 56,
    "hidden_size_per_layer_input": 0,
    "attention_k_eq_v": True,
    "num_global_key_value_heads": 1,
}
_DOTS3 = _LATENT | {
    "num_hidden_layers": 3,
    "per_layer_config": {"2": {"num_attention_heads": 4, "num_key_value_heads": 4, "kv_lora_rank": 20}},
    "shared_experts_intermediate_size": 72,
    "index_topk": 4,
    "index_head_dim": 8,
    "index_n_heads": 2,
    "layer_types": DROP,
    "mlp_layer_types": DROP,
}

_VQ = {
    "base_channels": 32,
    "channel_multiplier": [1, 1],
    "embed_dim": 16,
    "latent_channels": 16,
    "num_embeddings": 64,
}
_GATED = {"feed_forward_proj": "gated-gelu", "is_gated_act": True, "dense_act_fn": "gelu_new"}
_ROPE = {"rope_type": "default", "rope_theta": 1e4}
_MROPE = {"rope_parameters": _ROPE | {"mrope_section": [2, 2, 2]}}
_MROPE_WIDE = {"rope_parameters": _ROPE | {"mrope_section": [3, 3, 2]}}
_MROPE_HALF = {"rope_parameters": _ROPE | {"mrope_section": [1, 1, 1], "partial_rotary_factor": 0.5}}
_WIDTH_BY_HEADS, _WINDOW = {"head_dim": 12}, {"window_size": 32}
_RESNET = {
    "use_timm_backbone": False,
    "use_pretrained_backbone": False,
    "backbone": None,
    "backbone_kwargs": DROP,
    "backbone_config": {
        "model_type": "resnet",
        "embedding_size": 8,
        "hidden_sizes": [8, 16, 24, 32],
        "depths": [1, 1, 1, 1],
        "out_features": ["stage4"],
    },
}

CONFIGS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("detr", "conditional_detr", "dab-detr", "table-transformer"), _RESNET),
    **dict.fromkeys(("qwen2_vl_text", "qwen2_5_vl_text", "qwen2_5_omni_text", "ernie4_5_vl_moe_text"), _MROPE),
    **dict.fromkeys(("glm4v_text", "glm_image_text", "glm_ocr_text"), _MROPE),
    "qwen2_5_omni_talker": _MROPE_WIDE,
    "paddleocr_vl_text": {"head_dim": 12} | _MROPE,
    "glm4v_moe_text": _MROPE_HALF,
    **dict.fromkeys(("pixtral", "blt_patcher"), _WIDTH_BY_HEADS),
    **dict.fromkeys(("qwen2_5_vl_vision", "exaone4_5_vision", "qwen2_5_omni_vision_encoder"), _WINDOW),
    "hunyuan_vl_text": {"rope_parameters": _ROPE | {"mrope_section": [2, 2, 2, 2]}},
    "bros": {"dim_bbox_projection": 12},
    "clap_audio_model": {
        "spec_size": 32,
        "patch_size": 4,
        "patch_stride": [4, 4],
        "window_size": 4,
        "depths": [1, 1],
        "num_attention_heads": [2, 2],
        "patch_embeds_hidden_size": 16,
        "hidden_size": 32,
    },
    "audio-spectrogram-transformer": {
        "max_length": 32,
        "num_mel_bins": 32,
        "patch_size": 16,
        "time_stride": 16,
        "frequency_stride": 16,
    },
    "luke": {"entity_vocab_size": 40, "entity_emb_size": 48},
    "segformer": {
        "hidden_sizes": [8, 16, 32, 64],
        "image_size": 64,
        "depths": [1, 1, 1, 1],
        "patch_sizes": [7, 3, 3, 3],
    },
    "wav2vec2-bert": {"feature_projection_input_dim": 32},
    "layoutlmv3": {"coordinate_size": 8, "shape_size": 8, "input_size": 16},
    "convnext": {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 2, 1], "image_size": 64},
    "convnextv2": {"hidden_sizes": [8, 16, 32, 64], "depths": [1, 1, 2, 1], "image_size": 64},
    "swin": {
        "embed_dim": 16,
        "depths": [2, 2],
        "num_heads": [2, 4],
        "image_size": 32,
        "patch_size": 4,
        "window_size": 4,
    },
    "swinv2": {
        "embed_dim": 16,
        "depths": [2, 2],
        "num_heads": [4, 4],
        "image_size": 32,
        "patch_size": 4,
        "window_size": 4,
    },
    "hiera": {"embed_dim": 16, "depths": [1, 1, 2, 1], "num_heads": [1, 2, 4, 8], "image_size": [64, 64]},
    "siglip": {"text_config": {"projection_size": 32}},
    "siglip2": {"vision_config": {"num_patches": 16}, "text_config": {"projection_size": 32}},
    "albert": {"embedding_size": 24},
    "rembert": {"input_embedding_size": 24, "output_embedding_size": 40},
    "mimo_v2_flash": {
        "head_dim": 24,
        "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
    },
    "esmc": {"num_key_value_heads": 4, "head_dim": 12},
    "esm": {
        "vocab_size": 320,
        "pad_token_id": 0,
        "emb_layer_norm_before": False,
        "position_embedding_type": "rotary",
        "mask_token_id": 5,
        "token_dropout": False,
    },
    "llama4": {"vision_config": {"projector_input_dim": 32, "projector_output_dim": 32, "vision_output_dim": 32}},
    "mistral4": {"text_config": _LATENT},
    "mistral_large4": {"text_config": _LATENT},
    "diffusion_gemma": {"text_config": {"per_layer_config": {}}},
    "kyutai_speech_to_text": {"num_codebooks": 2},
    "xmod": {"default_language": "en_XX"},
    "step3p7": {"text_config": {"sliding_window": 8}},
    "cohere_compass_text": {
        "rope_parameters": {
            key: {"rope_type": "default", "rope_theta": 10000.0} for key in ("full_attention", "sliding_attention")
        }
    },
    "chameleon": {"vocabulary_map": {"<image>": 310}, "vq_config": _VQ},
    "emu3": {"vocabulary_map": {"<image>": 310}, "vq_config": _VQ},
    "janus": {"vq_config": _VQ},
    "blt": {"encoder_hash_byte_group_vocab": 64},
    "gemma4_assistant": {"text_config": {"per_layer_config": {}, "hidden_size_per_layer_input": 0}},
    "gemma4_unified_assistant": {"text_config": {"per_layer_config": {}, "hidden_size_per_layer_input": 0}},
    "gemma3n": {"vision_config": {"architecture": "test_efficientnet"}},
    "fast_vlm": {"vision_config": {"architecture": "test_efficientnet"}},
    "kimi_k25": {"text_config": _LATENT},
    "glm5_next_text": _LATENT
    | {
        "qk_rope_head_dim": 0,
        "qk_head_dim": 12,
        "index_topk": 4,
        "index_head_dim": 8,
        "index_n_heads": 2,
        "index_kpool": 2,
    },
    "florence2": {
        "vision_config": {
            "embed_dim": [8, 16, 32, 64],
            "num_heads": [2, 2, 2, 2],
            "num_groups": [2, 2, 2, 2],
            "depths": [1, 1, 1, 1],
            "projection_dim": 48,
        }
    },
    "molmo2": {
        "adapter_config": {"vision_feature_layers": [1, 0], "vit_layers": [1, 0], "vision_feature_layer": [1, 0]}
    },
    "kosmos-2": {"text_config": {"attention_heads": 4, "layers": 3, "embed_dim": 48, "ffn_dim": 80}},
    "axk1": _LATENT,
    "axk2": _LATENT,
    "deepseek_v3": _LATENT,
    "deepseek_v32": _LATENT | {"index_topk": 4, "index_head_dim": 8, "index_n_heads": 2},
    "glm4_moe_lite": _LATENT,
    "longcat_flash": _LATENT,
    "minicpm3": _LATENT,
    "sarvam_mla": _LATENT,
    "youtu": _LATENT,
    "glm_moe_dsa": _LATENT | {"index_topk": 4, "index_head_dim": 8, "index_n_heads": 2},
    "codegen": {"rotary_dim": 4},
    "gptj": {"rotary_dim": 4},
    "dbrx": {
        "attn_config": {"kv_n_heads": 2, "clip_qkv": 8.0, "rope_theta": 10000.0},
        "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"},
        "ffn_config": {"ffn_hidden_size": 80, "moe_num_experts": 6, "moe_top_k": 2, "hidden_size": 48},
    },
    "dory": {
        "n_input_layers": 1,
        "n_output_layers": 1,
        "n_recurrent_layers": 1,
        "layer_types": DROP,
        "rope_parameters": DROP,
    },
    "deepseek_v2": _LATENT
    | {"num_experts_per_tok": 2, "topk_method": "greedy", "n_routed_experts": 6, "first_k_dense_replace": 1},
    "bailing_hybrid": _LATENT | {"num_experts_per_tok": 2, "n_group": 2, "topk_group": 1, "num_experts": 8},
    "kimi_linear": _LATENT | {"num_experts_per_token": 2, "num_experts": 8},
    "dots1": {"n_routed_experts": 6, "num_experts_per_tok": 2, "n_shared_experts": 2},
    "dots3_note_text": _DOTS3,
    "falcon_h1": {"mamba_d_ssm": 96, "mamba_n_heads": 6, "mamba_d_head": 16},
    "gemma3n_text": {
        "num_kv_shared_layers": 0,
        "intermediate_size": 80,
        "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
        "laurel_rank": 10,
        "hidden_size_per_layer_input": 12,
        "activation_sparsity_pattern": [0.95, 0.0, 0.0],
    },
    "gemma4": {"audio_config": None},
    "gemma4_text": _GEMMA4,
    "gemma4_unified": {"audio_config": None},
    "gemma4_unified_text": _GEMMA4,
    "granitemoehybrid": {
        "layer_types": ["linear_attention", "full_attention", "linear_attention"],
        "mamba_d_head": 16,
        "mamba_n_heads": 6,
    },
    "granite": {"num_key_value_heads": 2},
    "olmo": {"num_key_value_heads": 2},
    "granitemoe": {"num_key_value_heads": 2},
    "granitemoeshared": {"num_key_value_heads": 2},
    "helium": {"head_dim": 12},
    "lfm2_moe": {"layer_types": ["conv", "full_attention", "conv"]},
    "mamba2": {"num_heads": 6, "head_dim": 16},
    "qwen4_exp_text": {
        "indexer_n_heads": 2,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 16,
        "indexer_budget": 8,
        "indexer_compress_ratio": 2,
        "hc_lowrank": 10,
        "ngram_vocab_size_base": 64,
        "num_hidden_layers": 4,
        "layer_types": DROP,
    },
    "recurrent_gemma": {"lru_width": 64, "attention_window_size": 8},
    "reformer": {"is_decoder": True, "axial_pos_embds_dim": [16, 32], "axial_pos_shape": [8, 8]},
    "stablelm": {"hidden_size": 64},
    "xlnet": {"d_head": 12},
    "zamba": {
        "attention_hidden_size": 96,
        "attention_head_dim": 24,
        "n_mamba_heads": 2,
        "num_hidden_layers": 4,
        "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
    },
    "zamba2": {
        "hybrid_layer_ids": DROP,
        "attention_hidden_size": 96,
        "attention_head_dim": 24,
        "n_mamba_heads": 6,
        "mamba_headdim": 16,
        "num_hidden_layers": 4,
        "mamba_ngroups": 1,
        "layers_block_type": ["linear_attention", "hybrid", "linear_attention", "hybrid"],
    },
    "xlstm": {"hidden_size": 64, "embedding_dim": 64, "num_blocks": 3, "chunk_size": 4},
    "zaya": {"num_experts_per_tok": 1},
    "qwen3_next": {
        "num_hidden_layers": 4,
        "layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"],
    },
}

VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama:bias": ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    "llama:mha": ("llama", {"num_key_value_heads": 4, "head_dim": 12}),
    "llama:mqa": ("llama", {"num_key_value_heads": 1}),
    "mistral:sliding": ("mistral", {"sliding_window": 4}),
    "qwen2_moe:dense": ("qwen2_moe", {"mlp_only_layers": [0]}),
    "qwen3_moe:dense": ("qwen3_moe", {"mlp_only_layers": [0]}),
    "qwen3:bias": ("qwen3", {"attention_bias": True}),
    "falcon:rw": (
        "falcon",
        {
            "multi_query": False,
            "alibi": True,
            "bias": True,
            "parallel_attn": False,
            "new_decoder_architecture": False,
            "num_kv_heads": 4,
        },
    ),
    "falcon:40b": ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2, "multi_query": True}),
    "falcon:11b": ("falcon", {"new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1}),
    "falcon:7b": ("falcon", {"multi_query": True, "parallel_attn": True, "new_decoder_architecture": False}),
    "gpt_neox:serial": ("gpt_neox", {"use_parallel_residual": False}),
    "gpt_neox:nobias": ("gpt_neox", {"attention_bias": False}),
    "stablelm:2-12b": ("stablelm", {"use_parallel_residual": True, "qk_layernorm": True, "num_key_value_heads": 2}),
    "stablelm:1.6b": ("stablelm", {"use_qkv_bias": True}),
    "phi:qk": ("phi", {"qk_layernorm": True}),
    "opt:350m": ("opt", {"do_layer_norm_before": False, "word_embed_proj_dim": 24}),
    "opt:galactica": ("opt", {"enable_bias": False, "layer_norm_elementwise_affine": False}),
    "olmo:clip": ("olmo", {"clip_qkv": 2.0}),
    "olmoe:clip": ("olmoe", {"clip_qkv": 2.0}),
    "mpt:clip": ("mpt", {"attn_config": {"clip_qkv": 0.5, "alibi": True}}),
    "mpt:qk_ln": ("mpt", {"attn_config": {"qk_ln": True, "alibi": True}}),
    "bloom:post": ("bloom", {"apply_residual_connection_post_layernorm": True}),
    "gpt_bigcode:mha": ("gpt_bigcode", {"multi_query": False}),
    "gpt_bigcode:mqa": ("gpt_bigcode", {"multi_query": True}),
    "cohere:qk": ("cohere", {"use_qk_norm": True}),
    "granite:tied": ("granite", {"embedding_multiplier": 12.0, "residual_multiplier": 0.22, "logits_scaling": 8.0}),
    "deepseek_v2:lite": ("deepseek_v2", {"q_lora_rank": None}),
    "deepseek_v3:plain": ("deepseek_v3", {"num_mtp_layers": 0}),
    "granitemoehybrid:dense": ("granitemoehybrid", {"num_local_experts": 0}),
    "falcon_h1:norm": ("falcon_h1", {"mamba_rms_norm": True}),
    "falcon_h1:gate_first": ("falcon_h1", {"mamba_rms_norm": True, "mamba_norm_before_gate": False}),
    "zamba2:groups": ("zamba2", {"mamba_ngroups": 2}),
    "electra:small": ("electra", {"embedding_size": 24}),
    "albert:groups": (
        "albert",
        {"embedding_size": 24, "num_hidden_groups": 2, "inner_group_num": 2, "num_hidden_layers": 4},
    ),
    "longt5:tglobal": ("longt5", {"encoder_attention_type": "transient-global", **_GATED}),
    "t5:gated": ("t5", {"tie_word_embeddings": False, **_GATED}),
    "distilbert:sinus": ("distilbert", {"sinusoidal_pos_embds": True}),
    "gemma2:mha": ("gemma2", {"num_key_value_heads": 4}),
    "gemma4_text:moe": ("gemma4_text", _GEMMA4_MOE),
    "glm4:bias": ("glm4", {"attention_bias": True}),
    "mixtral:mha": ("mixtral", {"num_key_value_heads": 4}),
    "phi3:bias": ("phi3", {"attention_bias": True}),
    "dinov2:giant": ("dinov2", {"use_swiglu_ffn": True}),
    "dinov3_vit:giant": ("dinov3_vit", {"use_gated_mlp": True}),
    "nemotron_h:moe": ("nemotron_h", {}),
    "lfm2:small": ("lfm2", {"block_auto_adjust_ff_dim": False}),
    "minimax:all": ("minimax", {"layer_types": ["full_attention"] * 3}),
    "llama4_text:dense": ("llama4_text", {"moe_layers": [1]}),
    "kimi_k25:k2": ("kimi_k25", {}),
    "vit:named": ("vit", {"num_labels": 7}),
}
"""A name to (model type, changes)."""

SAVED_AS: dict[str, dict[str, Any]] = {"kimi_k25:k2": {"text_config": {"model_type": "kimi_k2"}}}
"""Changes of the stored configuration, to what files of the Hub say and Transformers reads as the same."""
