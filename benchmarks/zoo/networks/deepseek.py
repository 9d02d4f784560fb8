"""DeepSeek V3 with dense MLPs: k and v from one latent vector, q from another; rotary channels beside plain ones.

One rotary key is shared by all heads. Turned channels pair up as 2c with 2c + 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import Config
from .parts import Weights, gated_mlp, gated_mlp_shapes, rms


def shapes(c: Config) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor, by name."""
    d, size = c.width, c.head_size
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (c.vocab, d)}
    for i in range(c.layers):
        block = f"model.layers.{i}."
        attention = block + "self_attn."
        found |= {
            block + "input_layernorm.weight": (d,),
            attention + "q_a_proj.weight": (c.latent_query, d),
            attention + "q_a_layernorm.weight": (c.latent_query,),
            attention + "q_b_proj.weight": (c.heads * (size + c.turned), c.latent_query),
            attention + "kv_a_proj_with_mqa.weight": (c.latent + c.turned, d),
            attention + "kv_a_layernorm.weight": (c.latent,),
            attention + "kv_b_proj.weight": (c.heads * 2 * size, c.latent),
            attention + "o_proj.weight": (d, c.heads * size),
            block + "post_attention_layernorm.weight": (d,),
        }
        found |= gated_mlp_shapes(block + "mlp.", c.hidden, d)
    return found | {"model.norm.weight": (d,), "lm_head.weight": (c.vocab, d)}


def logits(w: Weights, c: Config, tokens: Tensor) -> Tensor:
    """Next-token logits."""
    x = w["model.embed_tokens.weight"][tokens]
    for i in range(c.layers):
        block = f"model.layers.{i}."
        x = x + _attention(w, c, block + "self_attn.", rms(x, w[block + "input_layernorm.weight"]))
        x = x + gated_mlp(w, block + "mlp.", rms(x, w[block + "post_attention_layernorm.weight"]))
    return F.linear(rms(x, w["model.norm.weight"]), w["lm_head.weight"])


def _attention(w: Weights, c: Config, at: str, h: Tensor) -> Tensor:
    batch, length, _ = h.shape
    size = c.head_size

    def heads(rows: Tensor) -> Tensor:
        return rows.view(batch, length, c.heads, -1).transpose(1, 2)

    latent_query = rms(F.linear(h, w[at + "q_a_proj.weight"]), w[at + "q_a_layernorm.weight"])
    q, q_turned = heads(F.linear(latent_query, w[at + "q_b_proj.weight"])).split([size, c.turned], -1)
    latent, k_turned = F.linear(h, w[at + "kv_a_proj_with_mqa.weight"]).split([c.latent, c.turned], -1)
    latent = rms(latent, w[at + "kv_a_layernorm.weight"])
    k, v = heads(F.linear(latent, w[at + "kv_b_proj.weight"])).split([size, size], -1)
    k_turned = _rotate(k_turned[:, None]).expand(-1, c.heads, -1, -1)
    q, k = torch.cat((q, _rotate(q_turned)), -1), torch.cat((k, k_turned), -1)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    return F.linear(mixed.transpose(1, 2).flatten(2), w[at + "o_proj.weight"])


def _rotate(x: Tensor) -> Tensor:
    """Turn the pairs (2c, 2c + 1) of the last axis by position times frequency."""
    length, size = x.shape[-2:]
    frequency = 10000.0 ** (-torch.arange(0, size, 2, device=x.device) / size)
    angle = torch.outer(torch.arange(length, device=x.device), frequency)
    left, right = x[..., 0::2], x[..., 1::2]
    turned = (left * angle.cos() - right * angle.sin(), left * angle.sin() + right * angle.cos())
    return torch.stack(turned, -1).flatten(-2)
