# /// script
# dependencies = [
#     "numpy", "pyyaml", "requests", "safetensors", "sentencepiece", "torch==2.13.0", "tqdm", "transformers==5.24.0",
# ]
# ///
"""Toys of many architectures, converted to GGUF by llama.cpp's own converter, beside the originals.

The converter is that of the source distribution of llama-cpp-python, which holds llama.cpp. Toys have no tokenizer,
so its vocabularies are left out; nothing else of it is changed.
"""

import json
import logging
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file, save_file

PACKAGE = "llama-cpp-python==0.3.36"
SIZES = {
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 320,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
HEAD = {"head_dim": 12}
EXPERTS = {
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 40,
    "shared_expert_intermediate_size": 56,
}
LATENT = {
    **EXPERTS,
    "num_key_value_heads": 4,
    "kv_lora_rank": 20,
    "q_lora_rank": 24,
    "qk_nope_head_dim": 12,
    "qk_rope_head_dim": 8,
    "v_head_dim": 10,
    "n_group": 2,
    "topk_group": 1,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
}
TOYS: dict[str, dict[str, Any]] = {
    **{name: {} for name in ("apertus", "arcee", "cohere", "ernie4_5", "glm", "glm4", "granite", "llama", "mistral")},
    **{name: {} for name in ("olmo", "olmo2", "phi3", "qwen2", "seed_oss", "smollm3", "stablelm", "starcoder2")},
    **dict.fromkeys(("exaone4", "gemma", "gemma2", "gemma3_text", "nemotron", "qwen3"), HEAD),
    **dict.fromkeys(("olmoe", "qwen2_moe", "qwen3_moe"), HEAD | EXPERTS),
    "bloom": {"n_head": 4, "n_layer": 3},
    "deepseek_v3": LATENT,
    "dots1": HEAD | EXPERTS | {"first_k_dense_replace": 1, "n_shared_experts": 1, "n_group": 2, "topk_group": 1},
    "falcon": {"new_decoder_architecture": True, "num_kv_heads": 2},
    "glm4_moe": HEAD | EXPERTS | {"first_k_dense_replace": 1, "n_shared_experts": 1, "n_group": 2, "topk_group": 1},
    "gpt_oss": HEAD | EXPERTS,
    "granitemoe": EXPERTS,
    "lfm2": {"layer_types": ["conv", "full_attention", "conv"]},
    "mamba": {"intermediate_size": 96, "state_size": 8},
    "mixtral": EXPERTS,
}


def main(out: Path) -> None:
    """Write them."""
    root = converter(out.parent)
    sys.path[:0] = [str(root), str(root / "gguf-py")]
    import gguf

    logging.disable(logging.CRITICAL)
    for name, changes in TOYS.items():
        one(out / name, name, changes)
    for kind in ("MOSTLY_F16", "MOSTLY_BF16", "MOSTLY_Q8_0", "MOSTLY_TQ1_0", "MOSTLY_TQ2_0"):
        wide = HEAD | {"hidden_size": 256, "intermediate_size": 512}
        one(out / f"qwen3 as {kind.removeprefix('MOSTLY_')}", "qwen3", wide, gguf.LlamaFileType[kind])
    one(out / "llama in parts", "llama", {}, tensors=7)


def converter(folder: Path) -> Path:
    """The folder of llama.cpp's converter."""
    held = folder / "llama.cpp"
    if not held.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*pip, "--dest", folder, PACKAGE], check=True)
        (archive,) = folder.glob("llama_cpp_python-*.tar.gz")
        with tarfile.open(archive) as file:
            file.extractall(held, filter="data")
    (found,) = held.glob("*/vendor/llama.cpp")
    return found


def one(folder: Path, name: str, changes: dict[str, Any], kind: Any = None, tensors: int = 0) -> None:
    """One toy: ``original``, ``model`` and, where types are rounded, the numbers that gguf makes of the file."""
    import conversion
    import gguf
    from conversion.base import ModelBase

    torch.manual_seed(0)
    config = transformers.AutoConfig.for_model(name, **SIZES | changes)
    model = transformers.AutoModelForCausalLM.from_config(config)
    for parameter in model.parameters():
        torch.nn.init.uniform_(parameter, 0.01, 1)
    original = folder / "original"
    model.save_pretrained(original)
    tokens = {"model": {"vocab": {f"t{i}": i for i in range(SIZES["vocab_size"])}}, "added_tokens": []}
    (original / "tokenizer.json").write_text(json.dumps(tokens))
    (folder / "model").mkdir()
    with torch.inference_mode():
        settings = ModelBase.load_hparams(original, False)
        kinds = conversion.ModelType.TEXT
        make = conversion.get_model_class(conversion.get_model_architecture(settings, kinds), mmproj=False)
        make.set_vocab = lambda self: self._set_vocab_none()
        exact = kind is None
        kind = gguf.LlamaFileType.ALL_F32 if exact else kind
        made = make(original, kind, folder / "model" / "model.gguf", split_max_tensors=tensors)
        made.write()
    truth = load_file(original / "model.safetensors")
    if not exact:
        reader = gguf.GGUFReader(folder / "model" / "model.gguf")
        names = {made.map_tensor_name(name): name for name in truth}
        truth = {
            names[one.name]: torch.tensor(gguf.quants.dequantize(one.data, one.tensor_type).reshape(one.shape[::-1]))
            for one in reader.tensors
        }
        (original / "config.json").rename(folder / "config.json")
        for file in original.iterdir():
            file.unlink()
        original.rmdir()
    save_file({name: tensor.contiguous().float() for name, tensor in truth.items()}, folder / "truth.safetensors")
    version = f"{PACKAGE.replace('==', ' ')}, transformers {transformers.__version__}"
    (folder / "made.json").write_text(json.dumps({"tool": "llama.cpp", "version": version, "operation": folder.name}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
