# /// script
# dependencies = ["megatron-core==0.16.1", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""A Llama of toy width as Megatron Core keeps it, layer by layer and with all layers in one tensor, on a CPU."""

import json
import os
import sys
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import torch
import transformers
from megatron.core import parallel_state, tensor_parallel
from megatron.core.models.gpt import GPTModel
from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
from megatron.core.transformer.transformer_config import TransformerConfig
from safetensors.torch import save_file

HEADS, KV, SIZE, WIDTH, UNITS, LAYERS, VOCAB = 4, 2, 12, 48, 80, 3, 320
SETTINGS = f"""
num_layers: {LAYERS}
hidden_size: {WIDTH}
ffn_hidden_size: {UNITS}
num_attention_heads: {HEADS}
num_query_groups: {KV}
kv_channels: null
normalization: rmsnorm
activation: fast-swiglu
position_embedding_type: rope
rotary_percentage: 1.0
layernorm_epsilon: 1e-05
bias: false
optim:
  name: distributed_fused_adam
"""
"""As NeMo writes them."""


def main(out: Path) -> None:
    """Write them."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=WIDTH,
        intermediate_size=UNITS,
        num_attention_heads=HEADS,
        num_hidden_layers=LAYERS,
        num_key_value_heads=KV,
        vocab_size=VOCAB,
        rms_norm_eps=1e-5,
    )
    model = transformers.LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    twin = megatron()
    twin.load_state_dict(converted(weights), strict=False)
    tokens, later = torch.arange(40)[None], torch.ones(40, 40, dtype=torch.bool).triu(1)[None, None]
    with torch.no_grad():
        apart = (twin(tokens, tokens, later) - model(tokens).logits).abs().max().item()
    assert apart < 1e-4, apart
    stored = {name: value for name, value in twin.state_dict().items() if isinstance(value, torch.Tensor)}
    assert set(stored) == set(converted(weights)), set(stored) ^ set(converted(weights))
    whole = {name: value for name, value in stored.items() if ".layers." not in name}
    for name in (name.replace(".0.", ".", 1) for name in stored if ".layers.0." in name):
        whole[name] = torch.stack([stored[name.replace(".layers.", f".layers.{i}.")] for i in range(LAYERS)])
    for operation, tensors in (("layer by layer", stored), ("all layers in one tensor", whole)):
        folder = out / operation
        (folder / "model").mkdir(parents=True, exist_ok=True)
        save_file(
            {name: value.contiguous() for name, value in tensors.items()}, folder / "model" / "model.safetensors"
        )
        (folder / "model" / "model_config.yaml").write_text(SETTINGS)
        save_file(weights, folder / "truth.safetensors")
        said = {"tool": "megatron-core", "version": version("megatron-core"), "operation": operation}
        (folder / "made.json").write_text(json.dumps(said))


def converted(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors of transformers under Megatron Core's names."""
    found = {
        "embedding.word_embeddings.weight": weights["model.embed_tokens.weight"],
        "decoder.final_layernorm.weight": weights["model.norm.weight"],
        "output_layer.weight": weights["lm_head.weight"],
    }
    for i in range(LAYERS):
        at, hub = f"decoder.layers.{i}.", f"model.layers.{i}."
        q, k, v, o = (weights[f"{hub}self_attn.{role}_proj.weight"] for role in "qkvo")
        grouped = [q.view(KV, -1, WIDTH), k.view(KV, SIZE, WIDTH), v.view(KV, SIZE, WIDTH)]
        gate, up, down = (weights[f"{hub}mlp.{role}_proj.weight"] for role in ("gate", "up", "down"))
        found |= {
            f"{at}self_attention.linear_qkv.weight": torch.cat(grouped, 1).flatten(0, 1),
            f"{at}self_attention.linear_proj.weight": o,
            f"{at}mlp.linear_fc1.weight": torch.cat([gate, up]),
            f"{at}mlp.linear_fc2.weight": down,
            f"{at}input_layernorm.weight": weights[f"{hub}input_layernorm.weight"],
            f"{at}pre_mlp_layernorm.weight": weights[f"{hub}post_attention_layernorm.weight"],
        }
    return found


def megatron() -> GPTModel:
    """The model, of one process without a GPU."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29511", RANK="0", WORLD_SIZE="1")
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    torch.cuda.current_device = lambda: "cpu"
    tensor_parallel.get_cuda_rng_tracker = lambda: SimpleNamespace(fork=nullcontext)
    parallel_state.initialize_model_parallel(1, 1)
    config = TransformerConfig(
        num_layers=LAYERS,
        hidden_size=WIDTH,
        num_attention_heads=HEADS,
        num_query_groups=KV,
        ffn_hidden_size=UNITS,
        use_cpu_initialization=True,
        add_bias_linear=False,
        gated_linear_unit=True,
        activation_func=torch.nn.functional.silu,
        normalization="RMSNorm",
        layernorm_epsilon=1e-5,
        hidden_dropout=0,
        attention_dropout=0,
        bias_activation_fusion=False,
        masked_softmax_fusion=False,
        gradient_accumulation_fusion=False,
        persist_layer_norm=False,
    )
    return GPTModel(
        config,
        get_gpt_layer_local_spec(normalization="RMSNorm"),
        vocab_size=VOCAB,
        max_sequence_length=64,
        position_embedding_type="rope",
        share_embeddings_and_output_weights=False,
    ).eval()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
