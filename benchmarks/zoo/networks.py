"""The toy architectures, as functions of a dict of tensors under their Hugging Face names.

Llama / Qwen2 (RMS norm, SwiGLU, rotary positions, grouped kv heads), Qwen2-MoE and Pangu Pro MoE (the
same with routed and shared experts) and GPT-2 (layer norm, GELU, learned positions). Keeping the
published tensor names means a zoo model is a real checkpoint, not a special case.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import Config

Weights = dict[str, Tensor]

_BIASES = {"llama": "", "qwen2": "qkv", "qwen2_moe": "qkv", "pangu_pro_moe": "qkvo"}


def initial(config: Config, seed: int) -> Weights:
    """Gaussian initialisation, sd 0.02; norm gains 1, biases 0."""
    generator = torch.Generator().manual_seed(seed)
    shapes = _gpt2_shapes(config) if config.family == "gpt2" else _llama_shapes(config)
    weights = {}
    for name, shape in shapes.items():
        if "norm" in name or ".ln_" in name or name.endswith("router_scale"):
            weights[name] = torch.zeros(shape) if name.endswith("bias") else torch.ones(shape)
        elif name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        else:
            weights[name] = torch.randn(shape, generator=generator) * 0.02
    return weights


def logits(weights: Weights, config: Config, tokens: Tensor) -> Tensor:
    """Next-token logits, [batch, context, vocab], of tokens [batch, context]."""
    return (_gpt2 if config.family == "gpt2" else _llama)(weights, config, tokens)


def _llama_shapes(c: Config) -> dict[str, tuple[int, ...]]:
    d, kv = c.width, c.kv_heads * c.head_size
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (c.vocab, d)}
    for i in range(c.layers):
        block = f"model.layers.{i}."
        shapes[block + "input_layernorm.weight"] = (d,)
        for role, rows in (("q", d), ("k", kv), ("v", kv), ("o", d)):
            shapes[block + f"self_attn.{role}_proj.weight"] = (rows, d)
            if role in _BIASES[c.family]:
                shapes[block + f"self_attn.{role}_proj.bias"] = (rows,)
        shapes[block + "post_attention_layernorm.weight"] = (d,)
        if not c.experts:
            shapes |= _mlp_shapes(block + "mlp.", c.hidden, d)
        else:
            shapes[block + "mlp.gate.weight"] = (c.experts, d)
            for e in range(c.experts):
                shapes |= _mlp_shapes(block + f"mlp.experts.{e}.", c.hidden, d)
            shapes |= _mlp_shapes(block + "mlp.shared_expert.", c.shared, d)
            if c.family == "pangu_pro_moe":
                shapes[block + "mlp.router_scale"] = (1, c.experts)
            else:
                shapes[block + "mlp.shared_expert_gate.weight"] = (1, d)
    return shapes | {"model.norm.weight": (d,), "lm_head.weight": (c.vocab, d)}


def _mlp_shapes(prefix: str, hidden: int, width: int) -> dict[str, tuple[int, ...]]:
    return {
        prefix + "gate_proj.weight": (hidden, width),
        prefix + "up_proj.weight": (hidden, width),
        prefix + "down_proj.weight": (width, hidden),
    }


def _llama(w: Weights, c: Config, tokens: Tensor) -> Tensor:
    batch, length = tokens.shape
    x = w["model.embed_tokens.weight"][tokens]
    cos, sin = (t.to(x.device) for t in _rotary(length, c.head_size))
    for i in range(c.layers):
        block = f"model.layers.{i}."
        h = _rms(x, w[block + "input_layernorm.weight"])
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
        h = _rms(x, w[block + "post_attention_layernorm.weight"])
        x = x + (_experts(w, c, block + "mlp.", h) if c.experts else _swiglu(w, block + "mlp.", h))
    return F.linear(_rms(x, w["model.norm.weight"]), w["lm_head.weight"])


def _swiglu(w: Weights, prefix: str, h: Tensor) -> Tensor:
    gate, up = F.linear(h, w[prefix + "gate_proj.weight"]), F.linear(h, w[prefix + "up_proj.weight"])
    return F.linear(F.silu(gate) * up, w[prefix + "down_proj.weight"])


def _experts(w: Weights, c: Config, prefix: str, h: Tensor) -> Tensor:
    scores = F.softmax(F.linear(h, w[prefix + "gate.weight"]), dim=-1)
    out = _swiglu(w, prefix + "shared_expert.", h)
    if c.family == "pangu_pro_moe":  # one expert of each group, scaled; the shared expert ungated
        groups = scores.unflatten(-1, (c.active, -1))
        routed = (groups * (groups >= groups.max(-1, keepdim=True).values)).flatten(-2) * w[prefix + "router_scale"][
            0
        ]
    else:
        routed = scores * (scores >= scores.topk(c.active, dim=-1).values[..., -1:])
        out = torch.sigmoid(F.linear(h, w[prefix + "shared_expert_gate.weight"])) * out
    routed = routed / routed.sum(-1, keepdim=True) * c.active
    for e in range(c.experts):
        out = out + routed[..., e : e + 1] * _swiglu(w, prefix + f"experts.{e}.", h)
    return out


def _rms(x: Tensor, gain: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * gain


def _rotary(length: int, size: int) -> tuple[Tensor, Tensor]:
    frequency = 10000.0 ** (-torch.arange(0, size, 2) / size)
    angle = torch.outer(torch.arange(length), frequency).repeat(1, 2)
    return angle.cos(), angle.sin()


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat((-right, left), -1) * sin


def _gpt2_shapes(c: Config) -> dict[str, tuple[int, ...]]:
    d = c.width
    shapes: dict[str, tuple[int, ...]] = {
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
            shapes |= {f"transformer.h.{i}.{norm}.weight": (d,), f"transformer.h.{i}.{norm}.bias": (d,)}
        for name, shape in matrices.items():
            shapes |= {f"transformer.h.{i}.{name}.weight": shape, f"transformer.h.{i}.{name}.bias": shape[1:]}
    return shapes | {"transformer.ln_f.weight": (d,), "transformer.ln_f.bias": (d,)}


def _gpt2(w: Weights, c: Config, tokens: Tensor) -> Tensor:
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
