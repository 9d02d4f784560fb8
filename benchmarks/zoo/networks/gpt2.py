"""GPT-2: layer norm before the sublayers, GELU, learned positions, biases, embeddings tied."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..config import Config
from .parts import Weights


def shapes(c: Config) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor, by name."""
    d = c.width
    found: dict[str, tuple[int, ...]] = {
        "transformer.wte.weight": (c.vocab, d),
        "transformer.wpe.weight": (c.context, d),
    }
    matrices = {
        "attn.c_attn": (d, 3 * d),
        "attn.c_proj": (d, d),
        "mlp.c_fc": (d, c.hidden),
        "mlp.c_proj": (c.hidden, d),
    }
    for i in range(c.layers):
        for norm in ("ln_1", "ln_2"):
            found |= {f"transformer.h.{i}.{norm}.weight": (d,), f"transformer.h.{i}.{norm}.bias": (d,)}
        for name, shape in matrices.items():
            found |= {f"transformer.h.{i}.{name}.weight": shape, f"transformer.h.{i}.{name}.bias": shape[1:]}
    return found | {"transformer.ln_f.weight": (d,), "transformer.ln_f.bias": (d,)}


def logits(w: Weights, c: Config, tokens: Tensor) -> Tensor:
    """Next-token logits."""
    batch, length = tokens.shape
    x = w["transformer.wte.weight"][tokens] + w["transformer.wpe.weight"][:length]

    def linear(h: Tensor, name: str) -> Tensor:  # Conv1D: stored [in, out]
        return h @ w[name + ".weight"] + w[name + ".bias"]

    def norm(h: Tensor, name: str) -> Tensor:
        return F.layer_norm(h, (c.width,), w[name + ".weight"], w[name + ".bias"])

    for i in range(c.layers):
        block = f"transformer.h.{i}."
        fused = linear(norm(x, block + "ln_1"), block + "attn.c_attn")
        q, k, v = (t.view(batch, length, c.heads, -1).transpose(1, 2) for t in fused.chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + linear(mixed.transpose(1, 2).flatten(2), block + "attn.c_proj")
        hidden = F.gelu(linear(norm(x, block + "ln_2"), block + "mlp.c_fc"), approximate="tanh")
        x = x + linear(hidden, block + "mlp.c_proj")
    return F.linear(norm(x, "transformer.ln_f"), w["transformer.wte.weight"])
