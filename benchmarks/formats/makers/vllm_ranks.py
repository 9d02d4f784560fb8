# /// script
# requires-python = "==3.11.*"
# dependencies = ["vllm==0.33.0"]
# ///
"""What vLLM's ``save_sharded_state`` leaves of toys, with 1, 2 and 4 ranks, run on the processor.

The package is built for GPUs: its platform is set to the processor before anything else is loaded. It runs no model
here, it only loads them as for serving and saves them. The numbers of the original are the truth.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

import torch
import transformers
from _toys import folder_of, leave
from torch import multiprocessing

_SIZES: dict[str, Any] = {
    "hidden_size": 128,
    "intermediate_size": 256,
    "num_attention_heads": 8,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "vocab_size": 300,
    "tie_word_embeddings": False,
    "pad_token_id": 0,
}
TOYS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "llama, tied": ("Llama", {"tie_word_embeddings": True}),
    "qwen2, with biases": ("Qwen2", {}),
    "qwen3, with norms of heads": ("Qwen3", {"head_dim": 16}),
    "phi3, fused on the Hub": ("Phi3", {}),
}


def toy(name: str) -> Any:
    """A model with random weights of bfloat16; norms are not all 1, nor biases 0."""
    torch.manual_seed(0)
    kind, further = TOYS[name]
    config = getattr(transformers, f"{kind}Config")(**_SIZES | further)
    model = getattr(transformers, f"{kind}ForCausalLM")(config).to(torch.bfloat16)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def save_rank(rank: int, ranks: int, original: str, out: str, port: int) -> None:
    """Load the share of one rank, and save it."""
    os.environ |= {"VLLM_LOGGING_LEVEL": "ERROR", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    import vllm.platforms
    from vllm.platforms.cpu import CpuPlatform

    vllm.platforms._current_platform = CpuPlatform()
    from vllm import config
    from vllm.distributed import init_distributed_environment, initialize_model_parallel
    from vllm.model_executor.model_loader import get_model
    from vllm.model_executor.model_loader.sharded_state_loader import ShardedStateLoader

    whole = config.VllmConfig(
        model_config=config.ModelConfig(
            model=original, skip_tokenizer_init=True, dtype="bfloat16", enforce_eager=True
        ),
        parallel_config=config.ParallelConfig(tensor_parallel_size=ranks),
        device_config=config.DeviceConfig(device="cpu"),
    )
    with config.set_current_vllm_config(whole):
        init_distributed_environment(ranks, rank, "env://", rank, "gloo")
        initialize_model_parallel(ranks)
        ShardedStateLoader.save_model(get_model(vllm_config=whole), out)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main(out: Path) -> None:
    """Save every toy with every number of ranks."""
    for name in TOYS:
        for ranks in (1, 2, 4):
            operation = f"{name}, {ranks} rank{'s' if ranks > 1 else ''}"
            folder, original = folder_of(out, operation), out / operation / "original"
            toy(name).save_pretrained(original)
            given = (ranks, str(original), str(folder), free_port())
            multiprocessing.spawn(save_rank, args=given, nprocs=ranks)
            shutil.copy(original / "config.json", folder)  # as the tool's own example does
            leave(out, "vllm", operation, {})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
