# /// script
# dependencies = ["litgpt==0.5.13", "safetensors", "torch==2.13.0", "transformers"]
# ///
"""Models of toy width as LitGPT converts them from transformers, each with the same outputs under both."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import transformers
from litgpt.config import Config
from litgpt.model import GPT
from litgpt.scripts.convert_hf_checkpoint import (
    copy_weights_gemma_2,
    copy_weights_gpt_neox,
    copy_weights_hf_llama,
    copy_weights_olmo2,
    copy_weights_phi,
    copy_weights_qwen_2_5,
    copy_weights_qwen_3,
)
from litgpt.utils import save_config
from safetensors.torch import load_file, save_file

SIZES = {
    "hidden_size": 64,
    "intermediate_size": 80,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "vocab_size": 320,
    "max_position_embeddings": 64,
    "tie_word_embeddings": False,
}
KV = {"num_key_value_heads": 2}
COMMON = {
    "n_embd": 64,
    "intermediate_size": 80,
    "n_head": 4,
    "n_layer": 3,
    "vocab_size": 320,
    "padded_vocab_size": 320,
    "block_size": 64,
}
LLAMA = COMMON | {
    "n_query_groups": 2,
    "norm_class_name": "RMSNorm",
    "mlp_class_name": "LLaMAMLP",
    "parallel_residual": False,
    "bias": False,
    "rotary_percentage": 1.0,
}


def llama(copy):
    """A converter of the family of Llama."""
    return lambda config, state, weights: copy(config, {}, state, weights)


MODELS = {
    "llama": (transformers.LlamaConfig(**SIZES, **KV, rms_norm_eps=1e-5), LLAMA, llama(copy_weights_hf_llama)),
    "qwen2": (
        transformers.Qwen2Config(**SIZES, **KV, rms_norm_eps=1e-5),
        LLAMA | {"attn_bias": True},
        llama(copy_weights_qwen_2_5),
    ),
    "qwen3": (
        transformers.Qwen3Config(**SIZES, **KV, head_dim=16, rms_norm_eps=1e-5),
        LLAMA | {"norm_qk": True, "head_size": 16},
        llama(copy_weights_qwen_3),
    ),
    "mixtral": (
        transformers.MixtralConfig(**SIZES, **KV, num_local_experts=3, num_experts_per_tok=2, rms_norm_eps=1e-5),
        LLAMA | {"mlp_class_name": "LLaMAMoE", "n_expert": 3, "n_expert_per_token": 2, "rope_base": 1000000},
        llama(copy_weights_hf_llama),
    ),
    "Phi-3": (
        transformers.Phi3Config(**SIZES, **KV, rms_norm_eps=1e-5, pad_token_id=0),
        LLAMA,
        llama(copy_weights_phi),
    ),
    "Gemma": (
        transformers.GemmaConfig(**SIZES | {"tie_word_embeddings": True}, **KV, head_dim=16, rms_norm_eps=1e-5),
        LLAMA | {"mlp_class_name": "GemmaMLP", "scale_embeddings": True, "head_size": 16, "gelu_approximate": "tanh"},
        llama(copy_weights_hf_llama),
    ),
    "Gemma-2": (
        transformers.Gemma2Config(
            **SIZES | {"tie_word_embeddings": True}, **KV, head_dim=16, rms_norm_eps=1e-5, query_pre_attn_scalar=16
        ),
        LLAMA
        | {"mlp_class_name": "GemmaMLP", "scale_embeddings": True, "head_size": 16, "gelu_approximate": "tanh"}
        | {"post_attention_norm": True, "post_mlp_norm": True, "attention_scores_scalar": 16}
        | {"attention_logit_softcapping": 50.0, "final_logit_softcapping": 30.0},
        lambda _, state, weights: copy_weights_gemma_2({}, state, weights),
    ),
    "OLMo-2": (
        transformers.Olmo2Config(**SIZES, **KV, rms_norm_eps=1e-5),
        LLAMA
        | {"norm_qk": True, "norm_qk_type": "olmo2", "norm_1": False, "norm_2": False}
        | {"post_attention_norm": True, "post_mlp_norm": True},
        llama(copy_weights_olmo2),
    ),
    "gpt_neox": (transformers.GPTNeoXConfig(**SIZES), COMMON, copy_weights_gpt_neox),
}
BY_SETTINGS = ("llama", "qwen2", "gpt_neox")
"""Folders without config.json, as of models trained by the tool."""


def taken_apart(weights):
    """The same with each of q, k, v, gate and up in a tensor of its own, where the Hub fuses them."""
    found = {}
    for name, value in weights.items():
        if ".query_key_value." in name:
            parts = value.unflatten(0, (4, 3, 16)).unbind(1)
            found |= {
                name.replace("query_key_value", f"{role}_proj"): part.flatten(0, 1).contiguous()
                for role, part in zip("qkv", parts, strict=True)
            }
        elif ".qkv_proj." in name:
            parts = value.split((64, 32, 32))
            found |= {name.replace("qkv_", f"{role}_"): part.clone() for role, part in zip("qkv", parts, strict=True)}
        elif ".gate_up_proj." in name:
            gate, up = value.chunk(2)
            found |= {name.replace("gate_up", "gate"): gate.clone(), name.replace("gate_up", "up"): up.clone()}
        else:
            found[name] = value
    return found


def main(out: Path) -> None:
    """Write them."""
    for name, (theirs, ours, copy) in MODELS.items():
        torch.manual_seed(0)
        model = transformers.AutoModelForCausalLM.from_config(theirs).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.05)
        config, state = Config(name=name, **ours), {}
        with TemporaryDirectory() as saved:  # by the names of the Hub
            model.save_pretrained(saved)
            weights = load_file(Path(saved) / "model.safetensors")
        copy(config, state, weights)
        twin = GPT(config).eval()
        twin.load_state_dict(state)
        tokens = torch.arange(40)[None]
        with torch.no_grad():
            apart = (twin(tokens) - model(tokens).logits).abs().max().item()
        assert apart < 1e-4, (name, apart)
        folder = out / f"converted, {name}"
        (folder / "model").mkdir(parents=True, exist_ok=True)
        torch.save(state, folder / "model" / "lit_model.pth")
        save_config(config, folder / "model")
        if name not in BY_SETTINGS:
            model.config.save_pretrained(folder / "model")
        save_file(taken_apart(weights), folder / "truth.safetensors")
        said = {"tool": "litgpt", "version": version("litgpt"), "operation": folder.name}
        (folder / "made.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
