"""What several architectures share: RMS norm and the gated MLP."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = dict[str, Tensor]


def rms(x: Tensor, gain: Tensor) -> Tensor:
    """Root-mean-square norm over the last axis."""
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * gain


def gated_mlp(w: Weights, prefix: str, h: Tensor) -> Tensor:
    """Silu-gated MLP whose tensors' names begin with a prefix."""
    gate, up = F.linear(h, w[prefix + "gate_proj.weight"]), F.linear(h, w[prefix + "up_proj.weight"])
    return F.linear(F.silu(gate) * up, w[prefix + "down_proj.weight"])


def gated_mlp_shapes(prefix: str, hidden: int, width: int) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of a gated MLP, by name."""
    return {
        prefix + "gate_proj.weight": (hidden, width),
        prefix + "up_proj.weight": (hidden, width),
        prefix + "down_proj.weight": (width, hidden),
    }
