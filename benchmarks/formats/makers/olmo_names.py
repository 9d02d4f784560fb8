# /// script
# dependencies = ["ai2-olmo==0.6.0", "datasets", "safetensors", "torch==2.13.0", "transformers"]
# ///
"""A model of toy width as OLMo's own trainer keeps it, with the outputs of its twin in transformers."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import torch
import transformers
from olmo.config import ModelConfig, TrainConfig
from olmo.model import OLMo
from safetensors.torch import save_file

SIZES = {"d_model": 48, "n_heads": 4, "n_layers": 3, "mlp_hidden_size": 160, "vocab_size": 320, "embedding_size": 320}
KIND = {
    "activation_type": "swiglu",
    "block_type": "sequential",
    "rope": True,
    "layer_norm_type": "rms",
    "include_bias": False,
    "bias_for_layer_norm": False,
    "attention_layer_norm_with_affine": False,
    "weight_tying": False,
    "max_sequence_length": 64,
    "init_device": "cpu",
    "attention_dropout": 0.0,
    "residual_dropout": 0.0,
    "embedding_dropout": 0.0,
    "pad_token_id": 1,
    "eos_token_id": 0,
}


def main(out: Path) -> None:
    """Write it."""
    torch.manual_seed(0)
    config = ModelConfig(**SIZES, **KIND)
    model = OLMo(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.1 + (parameter.dim() == 1))
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    theirs = transformers.LlamaConfig(
        hidden_size=48,
        intermediate_size=80,
        num_attention_heads=4,
        num_hidden_layers=3,
        vocab_size=320,
        rms_norm_eps=1e-5,
        hidden_act="silu",
    )
    twin = transformers.LlamaForCausalLM(theirs).eval()
    twin.load_state_dict(converted(weights))
    tokens = torch.arange(40)[None]
    with torch.no_grad():
        apart = (model(tokens).logits - twin(tokens).logits).abs().max().item()
    assert apart < 1e-3, apart
    folder = out / "unsharded"
    (folder / "model").mkdir(parents=True, exist_ok=True)
    torch.save(weights, folder / "model" / "model.pt")
    TrainConfig(model=config).save(folder / "model" / "config.yaml")
    save_file(weights, folder / "truth.safetensors")
    said = {"tool": "olmo", "version": version("ai2-olmo"), "operation": folder.name}
    (folder / "made.json").write_text(json.dumps(said))


def converted(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same under the names of Llama, which computes the same where norms are of the root mean square."""
    found = {
        "model.embed_tokens.weight": weights["transformer.wte.weight"],
        "model.norm.weight": weights["transformer.ln_f.weight"],
        "lm_head.weight": weights["transformer.ff_out.weight"],
    }
    for i in range(3):
        at, hub = f"transformer.blocks.{i}.", f"model.layers.{i}."
        for role, part in zip("qkv", weights[f"{at}att_proj.weight"].chunk(3), strict=True):
            found[f"{hub}self_attn.{role}_proj.weight"] = part
        up, gate = weights[f"{at}ff_proj.weight"].chunk(2)
        found |= {
            f"{hub}self_attn.o_proj.weight": weights[f"{at}attn_out.weight"],
            f"{hub}mlp.gate_proj.weight": gate,
            f"{hub}mlp.up_proj.weight": up,
            f"{hub}mlp.down_proj.weight": weights[f"{at}ff_out.weight"],
            f"{hub}input_layernorm.weight": weights[f"{at}attn_norm.weight"],
            f"{hub}post_attention_layernorm.weight": weights[f"{at}ff_norm.weight"],
        }
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]))
