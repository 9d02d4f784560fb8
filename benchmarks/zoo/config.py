"""The shape of a zoo model, and the ``config.json`` that declares it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

_NAMES = {
    "llama": ("llama", "LlamaForCausalLM"),
    "qwen2": ("qwen2", "Qwen2ForCausalLM"),
    "qwen2_moe": ("qwen2_moe", "Qwen2MoeForCausalLM"),
    "pangu_pro_moe": ("PanguProMoE", "PanguProMoEForCausalLM"),
    "deepseek": ("deepseek_v3", "DeepseekV3ForCausalLM"),
}


@dataclass(frozen=True)
class Config:
    """Shape of one network; every count is of units, heads or layers."""

    family: str  # "llama", "qwen2", "qwen2_moe", "pangu_pro_moe", "deepseek", "gpt2" or "bert"
    layers: int
    width: int
    hidden: int
    heads: int
    kv_heads: int
    vocab: int = 256
    context: int = 64
    experts: int = 0
    active: int = 0
    shared: int = 0  # hidden units of the shared expert
    latent: int = 0  # channels of the vector that k and v are made from
    latent_query: int = 0  # channels of the vector that q is made from
    turned: int = 0  # rotary channels of each head, beside ``head_size`` plain ones

    @property
    def head_size(self) -> int:
        """Value channels per head."""
        return self.width // self.heads

    def huggingface(self) -> dict[str, Any]:
        """The ``config.json`` of this network."""
        if self.family == "gpt2":
            return {
                "model_type": "gpt2",
                "architectures": ["GPT2LMHeadModel"],
                "vocab_size": self.vocab,
                "n_embd": self.width,
                "n_layer": self.layers,
                "n_head": self.heads,
                "n_inner": self.hidden,
                "n_positions": self.context,
                "activation_function": "gelu_new",
                "layer_norm_epsilon": 1e-5,
                "tie_word_embeddings": True,
            }
        if self.family == "bert":
            return {
                "model_type": "bert",
                "architectures": ["BertLMHeadModel"],
                "is_decoder": True,
                "vocab_size": self.vocab,
                "type_vocab_size": 2,
                "hidden_size": self.width,
                "intermediate_size": self.hidden,
                "num_hidden_layers": self.layers,
                "num_attention_heads": self.heads,
                "hidden_act": "gelu",
                "max_position_embeddings": self.context,
                "layer_norm_eps": 1e-5,
                "tie_word_embeddings": True,
            }
        model_type, architecture = _NAMES[self.family]
        config = {
            "model_type": model_type,
            "architectures": [architecture],
            "vocab_size": self.vocab,
            "hidden_size": self.width,
            "intermediate_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_size,
            "hidden_act": "silu",
            "max_position_embeddings": self.context,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "tie_word_embeddings": False,
        }
        if self.latent:
            config |= {
                "num_key_value_heads": self.heads,
                "head_dim": self.turned,
                "q_lora_rank": self.latent_query,
                "kv_lora_rank": self.latent,
                "qk_nope_head_dim": self.head_size,
                "qk_rope_head_dim": self.turned,
                "v_head_dim": self.head_size,
                "rope_interleave": True,
                "n_routed_experts": None,
                "first_k_dense_replace": self.layers,
            }
        if self.experts:
            config |= {
                "num_experts": self.experts,
                "num_experts_per_tok": self.active,
                "moe_intermediate_size": self.hidden,
                "shared_expert_intermediate_size": self.shared,
                "decoder_sparse_step": 1,
            }
        return config

    def to_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)
