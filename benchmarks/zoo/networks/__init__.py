"""The toy architectures, as functions of a dict of tensors under their Hugging Face names.

Llama and its kin (``llama``), GPT-2 (``gpt2``), BERT (``bert``) and DeepSeek's latent attention (``deepseek``).
Keeping the published tensor names means a zoo model is a real checkpoint, not a special case.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..config import Config
from . import bert, deepseek, gpt2, llama
from .parts import Weights

__all__ = ["Weights", "initial", "logits"]

_MODULES = {"gpt2": gpt2, "bert": bert, "deepseek": deepseek}


def initial(config: Config, seed: int) -> Weights:
    """Gaussian initialisation, sd 0.02; norm gains 1, biases 0."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in _MODULES.get(config.family, llama).shapes(config).items():
        if name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        elif "norm" in name.lower() or ".ln_" in name or name.endswith("router_scale"):
            weights[name] = torch.ones(shape)
        else:
            weights[name] = torch.randn(shape, generator=generator) * 0.02
    return weights


def logits(weights: Weights, config: Config, tokens: Tensor) -> Tensor:
    """Next-token logits, [batch, context, vocab], of tokens [batch, context]."""
    return _MODULES.get(config.family, llama).logits(weights, config, tokens)
