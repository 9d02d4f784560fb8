"""The shape of a zoo model, and the ``config.json`` that declares it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

_NAMES = {
    "llama": ("llama", "LlamaForCausalLM"),
    "qwen2": ("qwen2", "Qwen2ForCausalLM"),
    "qwen2_moe": ("qwen2_moe", "Qwen2MoeForCausalLM"),
    "pangu_pro_moe": ("PanguProMoE", "PanguProMoEForCausalLM"),
}


@dataclass(frozen=True)
class Config:
    """Shape of one network; every count is of units, heads or layers."""

    family: str  # "llama", "qwen2", "qwen2_moe", "pangu_pro_moe" or "gpt2"
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

    @property
    def head_size(self) -> int:
        """Channels per head."""
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
