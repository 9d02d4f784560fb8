# /// script
# dependencies = [
#     "accelerate==1.15.0", "numpy", "peft==0.21.2", "pyyaml", "requests", "safetensors", "sentencepiece",
#     "torch==2.13.0", "tqdm", "transformers==5.24.0",
# ]
# ///
"""LoRAs of toys by PEFT, converted to GGUF by llama.cpp's own converter, beside the weights of PEFT's merging.

The converter is that of the source distribution of llama-cpp-python. It keeps one alpha for all modules, so where
PEFT scales otherwise (rsLoRA, patterns of alpha) the file is another adapter, and none of these is made here.
"""

import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from gguf_converter import EXPERTS, HEAD, PACKAGE, SIZES, converter

ALIKE = {"num_key_value_heads": 4}  # a model that has no others states none
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
ALL = [*ATTENTION, "gate_proj", "up_proj", "down_proj"]
MADE: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[str]]] = {
    "LoRA, llama": ("llama", {}, {"target_modules": ALL}, []),
    "LoRA, llama, in 8 bits": ("llama", {"hidden_size": 64}, {"target_modules": ALL, "r": 32}, ["--outtype", "q8_0"]),
    "LoRA, llama, patterns of ranks": (
        "llama",
        {},
        {"target_modules": ALL, "rank_pattern": {"q_proj": 3, "down_proj": 5}},
        [],
    ),
    "LoRA, llama, base in GGUF": ("llama", {}, {"target_modules": ALL}, []),
    "LoRA, llama, embeddings": ("llama", {}, {"target_modules": ["embed_tokens", "v_proj"]}, []),
    "LoRA, qwen2": ("qwen2", {}, {"target_modules": ALL}, []),
    "LoRA, gemma2, in 16 bits": ("gemma2", HEAD, {"target_modules": ALL}, ["--outtype", "f16"]),
    "LoRA, phi3": ("phi3", {}, {"target_modules": ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]}, []),
    "LoRA, granite, base in GGUF": ("granite", {}, {"target_modules": ATTENTION}, []),
    "LoRA, falcon": (
        "falcon",
        {"new_decoder_architecture": True, "num_kv_heads": 2},
        {"target_modules": ["query_key_value"]},
        [],
    ),
    "LoRA, bloom": (
        "bloom",
        {"n_head": 4, "n_layer": 3} | ALIKE,
        {"target_modules": ["query_key_value", "dense"]},
        [],
    ),
    "LoRA, qwen3_moe, attention": ("qwen3_moe", HEAD | EXPERTS, {"target_modules": ATTENTION}, []),
}


def main(out: Path) -> None:
    """Write them."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    root = converter(out.parent)
    for operation, made in MADE.items():
        one(out / operation, root, *made)


def one(
    folder: Path, root: Path, name: str, sizes: dict[str, Any], settings: dict[str, Any], options: list[str]
) -> None:
    """One adapter: its base, the file of the converter, and what PEFT merges."""
    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(name, **SIZES | sizes)
    base = transformers.AutoModelForCausalLM.from_config(config)
    for parameter in base.parameters():
        torch.nn.init.uniform_(parameter, 0.01, 1)
    base.save_pretrained(folder / "base")
    tokens = {"model": {"vocab": {f"t{i}": i for i in range(SIZES["vocab_size"])}}, "added_tokens": []}
    (folder / "base" / "tokenizer.json").write_text(json.dumps(tokens))
    model = peft.get_peft_model(base, peft.LoraConfig(**({"r": 4, "lora_alpha": 6} | settings)))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for tensor in (tensor for tensor in model.parameters() if tensor.requires_grad):
            tensor.copy_(0.1 * torch.randn(tensor.shape, generator=generator))
    model.save_pretrained(folder / "peft", save_embedding_layers=False)
    (folder / "model").mkdir()
    script = [sys.executable, root / "convert_lora_to_gguf.py", folder / "peft", "--base", folder / "base"]
    subprocess.run([*script, "--outfile", folder / "model" / "lora.gguf", *options], check=True, env=dict(os.environ))
    if options:  # rounded by the converter: what it rounded is merged
        rounded(model, folder / "model" / "lora.gguf", root)
    model.merge_and_unload().save_pretrained(folder / "merged")
    (folder / "merged" / "model.safetensors").rename(folder / "truth.safetensors")
    if "base in GGUF" in folder.name:
        in_gguf(folder / "base", root)
    version = f"{PACKAGE.replace('==', ' ')}, peft {peft.__version__}"
    (folder / "made.json").write_text(json.dumps({"tool": "llama.cpp", "version": version, "operation": folder.name}))


def rounded(model: peft.PeftModel, file: Path, root: Path) -> None:
    """Put the numbers that gguf makes of a file into the adapter that it was made of, but for the order of rows."""
    sys.path[:0] = [str(root / "gguf-py")]
    import gguf

    held = {
        one.name: torch.tensor(gguf.quants.dequantize(one.data, one.tensor_type).reshape([*one.shape][::-1]))
        for one in gguf.GGUFReader(file).tensors
    }
    names = {"q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v", "o_proj": "attn_output"}
    names |= {"gate_proj": "ffn_gate", "up_proj": "ffn_up", "down_proj": "ffn_down"}
    config = model.config
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if not tensor.requires_grad:
                continue
            words = name.split(".")
            module = names[words[words.index("layers") + 3]]
            side = "lora_a" if "lora_A" in name else "lora_b"
            found = held[f"blk.{words[words.index('layers') + 1]}.{module}.weight.{side}"]
            if side == "lora_b" and module in heads and config.model_type == "llama":
                found = found.reshape(heads[module], -1, 2, found.shape[1]).swapaxes(1, 2).reshape(found.shape)
            tensor.copy_(found)


def in_gguf(folder: Path, root: Path) -> None:
    """The base as the converter of models writes it."""
    sys.path[:0] = [str(root), str(root / "gguf-py")]
    import conversion
    import gguf
    from conversion.base import ModelBase

    with torch.inference_mode():
        settings = ModelBase.load_hparams(folder, False)
        kinds = conversion.ModelType.TEXT
        make = conversion.get_model_class(conversion.get_model_architecture(settings, kinds), mmproj=False)
        make.set_vocab = lambda self: self._set_vocab_none()
        make(folder, gguf.LlamaFileType.ALL_F32, folder / "base.gguf").write()
    for file in folder.iterdir():
        if file.suffix != ".gguf":
            file.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
