"""BERT as a decoder: layer norm after the sublayers, GELU, learned positions, biases, embeddings tied to the head.

With ``is_decoder``, BertLMHeadModel attends to earlier positions only and predicts the next token.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ..config import Config
from .parts import Weights

_EMBEDDINGS, _HEAD = "bert.embeddings.", "cls.predictions."


def shapes(c: Config) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor, by name."""
    d = c.width
    found: dict[str, tuple[int, ...]] = {
        _EMBEDDINGS + "word_embeddings.weight": (c.vocab, d),
        _EMBEDDINGS + "position_embeddings.weight": (c.context, d),
        _EMBEDDINGS + "token_type_embeddings.weight": (2, d),
    }
    found |= _with_bias(_EMBEDDINGS + "LayerNorm", d)
    for i in range(c.layers):
        block = f"bert.encoder.layer.{i}."
        for role in ("query", "key", "value"):
            found |= _with_bias(block + f"attention.self.{role}", d, d)
        found |= _with_bias(block + "attention.output.dense", d, d)
        found |= _with_bias(block + "attention.output.LayerNorm", d)
        found |= _with_bias(block + "intermediate.dense", c.hidden, d)
        found |= _with_bias(block + "output.dense", d, c.hidden)
        found |= _with_bias(block + "output.LayerNorm", d)
    found |= _with_bias(_HEAD + "transform.dense", d, d) | _with_bias(_HEAD + "transform.LayerNorm", d)
    return found | {_HEAD + "bias": (c.vocab,)}


def logits(w: Weights, c: Config, tokens: Tensor) -> Tensor:
    """Next-token logits."""
    batch, length = tokens.shape

    def linear(h: Tensor, name: str) -> Tensor:
        return F.linear(h, w[name + ".weight"], w[name + ".bias"])

    def norm(h: Tensor, name: str) -> Tensor:
        return F.layer_norm(h, (c.width,), w[name + ".weight"], w[name + ".bias"])

    table = w[_EMBEDDINGS + "word_embeddings.weight"]
    x = table[tokens] + w[_EMBEDDINGS + "position_embeddings.weight"][:length]
    x = norm(x + w[_EMBEDDINGS + "token_type_embeddings.weight"][0], _EMBEDDINGS + "LayerNorm")
    for i in range(c.layers):
        block = f"bert.encoder.layer.{i}."
        q, k, v = (
            linear(x, block + f"attention.self.{role}").view(batch, length, c.heads, -1).transpose(1, 2)
            for role in ("query", "key", "value")
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)
        x = norm(x + linear(mixed, block + "attention.output.dense"), block + "attention.output.LayerNorm")
        hidden = F.gelu(linear(x, block + "intermediate.dense"))
        x = norm(x + linear(hidden, block + "output.dense"), block + "output.LayerNorm")
    x = norm(F.gelu(linear(x, _HEAD + "transform.dense")), _HEAD + "transform.LayerNorm")
    return F.linear(x, table, w[_HEAD + "bias"])


def _with_bias(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {name + ".weight": shape, name + ".bias": shape[:1]}
