"""Models of toy width for the makers to quantise, and the folder that each leaves."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file

_SIZES = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "vocab_size": 320,
    "tie_word_embeddings": False,
}
_KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "bitnet": ("BitNet", {}),
    "qwen3_moe": ("Qwen3Moe", {"num_experts": 4, "moe_intermediate_size": 128, "head_dim": 32}),
    "gpt_oss": ("GptOss", {"num_local_experts": 4, "head_dim": 32}),
}


def toy(kind: str = "llama", seed: int = 0, **sizes: Any) -> Any:
    """A model with random weights of bfloat16; norms are not all 1."""
    torch.manual_seed(seed)
    name, further = _KINDS[kind]
    config = getattr(transformers, f"{name}Config")(**_SIZES | further | sizes)
    model = getattr(transformers, f"{name}ForCausalLM")(config).to(torch.bfloat16)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def leave(out: Path, tool: str, operation: str, truth: dict[str, torch.Tensor]) -> None:
    """Beside the model in ``out / operation / model``, say what it is and the numbers that the tool makes of it."""
    folder = out / operation
    save_file({name: tensor.float().contiguous() for name, tensor in truth.items()}, folder / "truth.safetensors")
    said = {"tool": tool, "version": version(tool), "operation": operation}
    (folder / "made.json").write_text(json.dumps(said), "utf-8")


def folder_of(out: Path, operation: str) -> Path:
    """The folder of an operation's model, made."""
    folder = out / operation / "model"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
