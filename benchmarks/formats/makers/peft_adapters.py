# /// script
# dependencies = ["accelerate==1.15.0", "peft==0.21.2", "safetensors", "torch==2.13.0", "transformers==5.24.0"]
# ///
"""Adapters of toys by PEFT, filled with random numbers, beside the weights of PEFT's own merging."""

import json
import shutil
import sys
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft.tuners.boft import layer as boft
from safetensors.torch import save_file

SIZES = {
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "hidden_size": 48,
    "vocab_size": 320,
}
LLAMA = transformers.LlamaConfig(**SIZES, intermediate_size=80, num_key_value_heads=2)
BIASED = transformers.Qwen2Config(**SIZES, intermediate_size=80, num_key_value_heads=2)
GPT2 = transformers.GPT2Config(n_head=4, n_layer=2, n_embd=48, vocab_size=320)
MIXTRAL = transformers.MixtralConfig(**SIZES, intermediate_size=40, num_key_value_heads=2, num_local_experts=4)
QWEN3_MOE = transformers.Qwen3MoeConfig(
    **SIZES, intermediate_size=80, moe_intermediate_size=24, num_key_value_heads=2, num_experts=6, head_dim=12
)
GPT_OSS = transformers.GptOssConfig(
    **SIZES, intermediate_size=40, num_key_value_heads=2, num_local_experts=4, head_dim=12
)
SQUARE = transformers.GptOssConfig(
    **SIZES, intermediate_size=48, num_key_value_heads=2, num_local_experts=4, head_dim=12
)
IMAGES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}
LLAVA = transformers.LlavaConfig(vision_config=transformers.CLIPVisionConfig(**IMAGES), text_config=LLAMA)
QWEN2_VL = transformers.Qwen2VLConfig(
    text_config={**SIZES, "intermediate_size": 80, "num_key_value_heads": 2},
    vision_config={"depth": 2, "embed_dim": 32, "hidden_size": 48, "num_heads": 4, "patch_size": 14},
)

Q = ["q_proj"]
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA, TOKENS = peft.LoraConfig, {"embed_tokens": [3, 0, 17]}
STACKS = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]


def made() -> dict[str, tuple[transformers.PretrainedConfig, peft.PeftConfig]]:
    """Model and settings by operation."""
    return {
        "LoRA": (LLAMA, LORA(r=4, lora_alpha=6, target_modules=ALL)),
        "LoRA, embeddings and head": (LLAMA, LORA(r=4, target_modules=["embed_tokens", "lm_head", "v_proj"])),
        "LoRA, fan_in_fan_out": (GPT2, LORA(r=4, target_modules=["c_attn", "c_proj"], fan_in_fan_out=True)),
        "LoRA, rsLoRA": (LLAMA, LORA(r=4, lora_alpha=6, use_rslora=True, target_modules=ALL)),
        "LoRA, patterns": (
            LLAMA,
            LORA(
                r=4,
                target_modules=ALL,
                rank_pattern={"up_proj": 7, "0.self_attn.q_proj": 3},
                alpha_pattern={"q_proj": 9},
            ),
        ),
        "LoRA, lora_bias": (BIASED, LORA(r=4, lora_bias=True, target_modules=["q_proj", "v_proj"])),
        "LoRA, bias all": (BIASED, LORA(r=4, bias="all", target_modules=["q_proj", "v_proj"])),
        "LoRA, modules_to_save": (LLAMA, LORA(r=4, target_modules=Q, modules_to_save=["embed_tokens", "norm"])),
        "LoRA, trainable tokens": (LLAMA, LORA(r=4, target_modules=Q, trainable_token_indices=TOKENS)),
        "LoRA, trainable tokens listed": (LLAMA, LORA(r=4, target_modules=Q, trainable_token_indices=[5, 300])),
        "LoRA, LLaVA": (LLAVA, LORA(r=4, target_modules=["q_proj", "down_proj", "fc1"])),
        "LoRA, Qwen2-VL": (QWEN2_VL, LORA(r=4, target_modules=["q_proj", "down_proj", "fc1"])),
        "DoRA": (LLAMA, LORA(r=4, use_dora=True, target_modules=ALL)),
        "DoRA, fan_in_fan_out": (GPT2, LORA(r=4, use_dora=True, target_modules=["c_attn"], fan_in_fan_out=True)),
        "LoRA of experts, Mixtral": (MIXTRAL, LORA(r=3, target_modules=Q, target_parameters=STACKS)),
        "LoRA of experts, Mixtral, one": (MIXTRAL, LORA(r=3, target_modules=[], target_parameters=STACKS[1:])),
        "LoRA of experts, Qwen3-MoE": (QWEN3_MOE, LORA(r=3, target_modules=Q, target_parameters=STACKS)),
        "LoRA of experts, Qwen3-MoE, stacked": (QWEN3_MOE, LORA(r=3, target_modules=Q, target_parameters=STACKS)),
        "LoRA of a parameter": (LLAMA, LORA(r=3, target_modules=[], target_parameters=["0.mlp.up_proj.weight"])),
        "PiSSA, converted": (LLAMA, LORA(r=4, init_lora_weights="pissa", target_modules=ALL)),
        "OLoRA, converted": (LLAMA, LORA(r=4, lora_alpha=6, init_lora_weights="olora", target_modules=ALL)),
        "LoRA of experts, gpt-oss": (GPT_OSS, LORA(r=3, target_modules=Q, target_parameters=STACKS)),
        "LoRA of experts, gpt-oss, square": (SQUARE, LORA(r=3, target_modules=Q, target_parameters=STACKS)),
        "LoHa": (LLAMA, peft.LoHaConfig(r=4, alpha=6, target_modules=ALL)),
        "LoHa, patterns": (LLAMA, peft.LoHaConfig(r=4, target_modules=ALL, rank_pattern={"q_proj": 3})),
        "LoKr": (LLAMA, peft.LoKrConfig(r=4, alpha=6, target_modules=ALL)),
        "LoKr, both in two": (LLAMA, peft.LoKrConfig(r=1, alpha=6, decompose_both=True, target_modules=ALL)),
        "LoKr, factor 4": (LLAMA, peft.LoKrConfig(r=2, alpha=6, decompose_factor=4, target_modules=ALL)),
        "OFT": (LLAMA, peft.OFTConfig(oft_block_size=8, target_modules=ALL)),
        "OFT, Cayley": (LLAMA, peft.OFTConfig(oft_block_size=8, use_cayley_neumann=False, target_modules=ALL)),
        "OFT, shared": (LLAMA, peft.OFTConfig(oft_block_size=8, block_share=True, target_modules=ALL)),
        "OFT, 2 terms": (LLAMA, peft.OFTConfig(oft_block_size=8, num_cayley_neumann_terms=2, target_modules=ALL)),
        "OFT, 3 terms": (LLAMA, peft.OFTConfig(oft_block_size=8, num_cayley_neumann_terms=3, target_modules=ALL)),
        "VeRA": (LLAMA, peft.VeraConfig(r=8, target_modules=["q_proj", "v_proj", "down_proj"])),
        "VeRA, fan_in_fan_out": (GPT2, peft.VeraConfig(r=8, target_modules=["c_attn"], fan_in_fan_out=True)),
        "IA3": (LLAMA, peft.IA3Config(target_modules=["k_proj", "down_proj"], feedforward_modules=["down_proj"])),
        "IA3, bias": (BIASED, peft.IA3Config(target_modules=["k_proj", "v_proj"], feedforward_modules=[])),
        "IA3, fan_in_fan_out": (
            GPT2,
            peft.IA3Config(target_modules=["c_attn", "c_fc"], feedforward_modules=["c_fc"], fan_in_fan_out=True),
        ),
        "AdaLoRA": (
            LLAMA,
            peft.AdaLoraConfig(init_r=6, target_r=3, total_step=100, lora_alpha=5, target_modules=ALL),
        ),
        "AdaLoRA, fan_in_fan_out": (
            GPT2,
            peft.AdaLoraConfig(init_r=6, total_step=100, target_modules=["c_attn"], fan_in_fan_out=True),
        ),
        "HRA": (LLAMA, peft.HRAConfig(r=4, target_modules=ALL)),
        "MiSS": (LLAMA, peft.MissConfig(r=5, target_modules=ALL)),
        "MiSS, mini": (LLAMA, peft.MissConfig(r=4, mini_r=8, init_weights="mini", target_modules=ALL)),
        "BOFT": (LLAMA, peft.BOFTConfig(boft_block_size=8, target_modules=ALL)),
        "BOFT, butterfly": (LLAMA, peft.BOFTConfig(boft_block_size=4, boft_n_butterfly_factor=3, target_modules=Q)),
        "C3A": (LLAMA, peft.C3AConfig(block_size=8, target_modules=ALL)),
        "C3A, patterns": (LLAMA, peft.C3AConfig(block_size=8, block_size_pattern={"q_proj": 6}, target_modules=ALL)),
        "RoAd 1": (BIASED, peft.RoadConfig(variant="road_1", group_size=8, target_modules=ALL)),
        "RoAd 2": (BIASED, peft.RoadConfig(variant="road_2", group_size=4, target_modules=ALL)),
        "RoAd 4": (LLAMA, peft.RoadConfig(variant="road_4", group_size=8, target_modules=ALL)),
        "DeLoRA": (LLAMA, peft.DeloraConfig(r=4, target_modules=ALL)),
        "DeLoRA, patterns": (LLAMA, peft.DeloraConfig(r=4, rank_pattern={"q_proj": 3}, target_modules=ALL)),
        "GraLoRA": (LLAMA, peft.GraloraConfig(r=4, gralora_k=2, target_modules=ALL)),
        "GraLoRA, hybrid": (LLAMA, peft.GraloraConfig(r=8, gralora_k=4, hybrid_r=3, target_modules=ALL)),
        "GraLoRA, fan_in_fan_out": (
            GPT2,
            peft.GraloraConfig(r=4, gralora_k=2, hybrid_r=2, fan_in_fan_out=True, target_modules=["c_attn"]),
        ),
        "FourierFT": (LLAMA, peft.FourierFTConfig(n_frequency=100, target_modules=ALL)),
        "FourierFT, fan_in_fan_out": (
            GPT2,
            peft.FourierFTConfig(n_frequency=40, random_loc_seed=5, fan_in_fan_out=True, target_modules=["c_attn"]),
        ),
        "WaveFT": (LLAMA, peft.WaveFTConfig(n_frequency=100, target_modules=ALL)),
        "WaveFT, no wavelets": (LLAMA, peft.WaveFTConfig(n_frequency=60, use_idwt=False, target_modules=ALL)),
        "WaveFT, fan_in_fan_out": (
            GPT2,
            peft.WaveFTConfig(n_frequency=40, random_loc_seed=5, fan_in_fan_out=True, target_modules=["c_attn"]),
        ),
        "SHiRA": (LLAMA, peft.ShiraConfig(r=2, target_modules=ALL)),
        "VB-LoRA": (LLAMA, peft.VBLoRAConfig(r=4, num_vectors=10, vector_length=8, target_modules=ALL)),
        "VB-LoRA, weights alone": (
            LLAMA,
            peft.VBLoRAConfig(
                r=4, num_vectors=10, vector_length=8, topk=3, save_only_topk_weights=True, target_modules=ALL
            ),
        ),
        "VB-LoRA, fan_in_fan_out": (
            GPT2,
            peft.VBLoRAConfig(r=4, num_vectors=10, vector_length=8, fan_in_fan_out=True, target_modules=["c_attn"]),
        ),
        "RandLoRA": (LLAMA, peft.RandLoraConfig(r=8, save_projection=True, target_modules=ALL)),
        "RandLoRA, sparse": (LLAMA, peft.RandLoraConfig(r=5, sparse=True, save_projection=True, target_modules=Q)),
        "RandLoRA, fan_in_fan_out": (
            GPT2,
            peft.RandLoraConfig(r=8, save_projection=True, fan_in_fan_out=True, target_modules=["c_attn", "c_proj"]),
        ),
        "HiRA": (LLAMA, peft.HiraConfig(r=4, target_modules=ALL)),
        "HiRA, embeddings": (LLAMA, peft.HiraConfig(r=4, target_modules=["embed_tokens", "v_proj"])),
        "HiRA, fan_in_fan_out": (GPT2, peft.HiraConfig(r=4, fan_in_fan_out=True, target_modules=["c_attn"])),
        "GLoRA": (LLAMA, peft.GloraConfig(r=4, target_modules=ALL)),
        "GLoRA, outputs": (LLAMA, peft.GloraConfig(r=4, config_A_B="vector", target_modules=ALL)),
        "GLoRA, numbers": (LLAMA, peft.GloraConfig(r=4, config_A_B="constant", target_modules=ALL)),
        "UniLoRA": (LLAMA, peft.UniLoraConfig(r=4, theta_d_length=100, save_indices=True, target_modules=ALL)),
        "UniLoRA, fan_in_fan_out": (
            GPT2,
            peft.UniLoraConfig(
                r=4, theta_d_length=100, save_indices=True, fan_in_fan_out=True, target_modules=["c_attn"]
            ),
        ),
        "BEFT": (BIASED, peft.BeftConfig(target_modules=["q_proj", "v_proj"])),
        "SuperTuning": (LLAMA, peft.SupertuningConfig(sparsity=0.9, target_modules=ALL)),
        "SuperTuning, LoRA": (LLAMA, peft.SupertuningConfig(sparsity=0.9, r=4, lora_alpha=6, target_modules=ALL)),
        "PVeRA": (LLAMA, peft.PveraConfig(r=8, save_projection=True, target_modules=["q_proj", "down_proj"])),
        "trainable tokens": (LLAMA, peft.TrainableTokensConfig(token_indices=[1, 7, 3])),
        "LN tuning": (LLAMA, peft.LNTuningConfig(target_modules=["input_layernorm", "norm"])),
    }


def filled(model: torch.nn.Module) -> None:
    """Random numbers in place of every trainable one, so that no change is zero."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.requires_grad:
                noise = torch.randn(tensor.shape, generator=generator)
                near_one = any(part in name for part in ("ia3", "magnitude", "boft_s", "road_alpha"))
                tensor.copy_(1 + 0.3 * noise if near_one else 0.1 * noise)


class Blocks:
    """What PEFT compiles for a device to put blocks on a diagonal, without which it makes one factor of BOFT only."""

    @staticmethod
    def forward(blocks: torch.Tensor) -> list[torch.Tensor]:
        """[factors, blocks, b, b] to [factors, inputs, inputs]."""
        return [torch.stack([torch.block_diag(*factor) for factor in blocks])]


def main(out: Path) -> None:
    """Write them."""
    warnings.simplefilter("ignore")
    boft.get_fbd_cuda = Blocks
    for operation, (config, settings) in made().items():
        torch.manual_seed(0)
        folder = out / operation
        towers = hasattr(config, "vision_config")
        kind = transformers.AutoModelForImageTextToText if towers else transformers.AutoModelForCausalLM
        base = kind.from_config(config)
        with torch.no_grad():
            for name, tensor in base.named_parameters():
                if name.endswith("bias"):
                    tensor.normal_(0, 0.1)
        stacked = operation.endswith("stacked")
        written(base, folder / "base", stacked)
        model = peft.get_peft_model(base, settings)
        converted = {}
        if getattr(settings, "init_lora_weights", True) in ("pissa", "olora"):
            model.save_pretrained(folder / "start")
            converted = {"path_initial_model_for_weight_conversion": str(folder / "start")}
        filled(model)
        model.save_pretrained(folder / "model", **converted)
        written(model.merge_and_unload(), folder / "merged", stacked)
        (folder / "merged" / "model.safetensors").rename(folder / "truth.safetensors")
        shutil.rmtree(folder / "merged")
        said = {"tool": "peft", "version": peft.__version__, "operation": operation}
        (folder / "made.json").write_text(json.dumps(said))


def written(model: transformers.PreTrainedModel, folder: Path, stacked: bool) -> None:
    """Write a model under the names of its files, or ``stacked`` under those that it has in memory."""
    model.save_pretrained(folder)
    if stacked:
        state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        save_file(state, folder / "model.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
