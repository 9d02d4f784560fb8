"""Llama and Qwen2 (RMS norm, SwiGLU, rotary positions, grouped kv heads), and both with routed and shared experts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..config import Config
from .parts import Weights, gated_mlp, gated_mlp_shapes, rms

_BIASES = {"llama": "", "qwen2": "qkv", "qwen2_moe": "qkv", "pangu_pro_moe": "qkvo"}


def shapes(c: Config) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor, by name."""
    d, kv = c.width, c.kv_heads * c.head_size
    found: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (c.vocab, d)}
    for i in range(c.layers):
        block = f"model.layers.{i}."
        found[block + "input_layernorm.weight"] = (d,)
        for role, rows in (("q", d), ("k", kv), ("v", kv), ("o", d)):
            found[block + f"self_attn.{role}_proj.weight"] = (rows, d)
            if role in _BIASES[c.family]:
                found[block + f"self_attn.{role}_proj.bias"] = (rows,)
        found[block + "post_attention_layernorm.weight"] = (d,)
        if not c.experts:
            found |= gated_mlp_shapes(block + "mlp.", c.hidden, d)
        else:
            found[block + "mlp.gate.weight"] = (c.experts, d)
            for e in range(c.experts):
                found |= gated_mlp_shapes(block + f"mlp.experts.{e}.", c.hidden, d)
            found |= gated_mlp_shapes(block + "mlp.shared_expert.", c.shared, d)
            if c.family == "pangu_pro_moe":
                found[block + "mlp.router_scale"] = (1, c.experts)
            else:
                found[block + "mlp.shared_expert_gate.weight"] = (1, d)
    return found | {"model.norm.weight": (d,), "lm_head.weight": (c.vocab, d)}


def logits(w: Weights, c: Config, tokens: Tensor) -> Tensor:
    """Next-token logits."""
    batch, length = tokens.shape
    x = w["model.embed_tokens.weight"][tokens]
    cos, sin = (t.to(x.device) for t in _rotary(length, c.head_size))
    for i in range(c.layers):
        block = f"model.layers.{i}."
        h = rms(x, w[block + "input_layernorm.weight"])
        q, k, v = (
            F.linear(h, w[block + f"self_attn.{r}_proj.weight"], w.get(block + f"self_attn.{r}_proj.bias"))
            .view(batch, length, -1, c.head_size)
            .transpose(1, 2)
            for r in "qkv"
        )
        groups = c.heads // c.kv_heads
        k = _rotate(k, cos, sin).repeat_interleave(groups, 1)
        mixed = F.scaled_dot_product_attention(
            _rotate(q, cos, sin), k, v.repeat_interleave(groups, 1), is_causal=True
        )
        out = mixed.transpose(1, 2).flatten(2)
        x = x + F.linear(out, w[block + "self_attn.o_proj.weight"], w.get(block + "self_attn.o_proj.bias"))
        h = rms(x, w[block + "post_attention_layernorm.weight"])
        x = x + (_experts(w, c, block + "mlp.", h) if c.experts else gated_mlp(w, block + "mlp.", h))
    return F.linear(rms(x, w["model.norm.weight"]), w["lm_head.weight"])


def _experts(w: Weights, c: Config, prefix: str, h: Tensor) -> Tensor:
    scores = F.softmax(F.linear(h, w[prefix + "gate.weight"]), dim=-1)
    out = gated_mlp(w, prefix + "shared_expert.", h)
    if c.family == "pangu_pro_moe":  # one expert of each group, scaled; the shared expert ungated
        groups = scores.unflatten(-1, (c.active, -1))
        largest = groups >= groups.max(-1, keepdim=True).values
        routed = (groups * largest).flatten(-2) * w[prefix + "router_scale"][0]
    else:
        routed = scores * (scores >= scores.topk(c.active, dim=-1).values[..., -1:])
        out = torch.sigmoid(F.linear(h, w[prefix + "shared_expert_gate.weight"])) * out
    routed = routed / routed.sum(-1, keepdim=True) * c.active
    for e in range(c.experts):
        out = out + routed[..., e : e + 1] * gated_mlp(w, prefix + f"experts.{e}.", h)
    return out


def _rotary(length: int, size: int) -> tuple[Tensor, Tensor]:
    frequency = 10000.0 ** (-torch.arange(0, size, 2) / size)
    angle = torch.outer(torch.arange(length), frequency).repeat(1, 2)
    return angle.cos(), angle.sin()


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat((-right, left), -1) * sin
