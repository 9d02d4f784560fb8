"""One causal transformer with every choice of the design, for several models side by side.

Every tensor has a leading axis of models, and no operation mixes them: each model computes what it would alone. S is
the number of models, B of rows, T of tokens in a row, N = B T, E of experts (1 where the MLP is dense).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = dict[str, Tensor]
Drop = Callable[[Tensor], Tensor]

VOCAB = 256
ACTIVE = 2  # experts chosen for a token


@dataclass(frozen=True)
class Network:
    """Shape of a network, and what it computes."""

    gated: bool
    activation: Literal["silu", "gelu", "relu", "relu squared"]
    norm: Literal["rms", "layer"]
    post: bool
    """Norms after the sublayers, as in BERT, and one behind the embedding."""
    width: int
    layers: int
    head_size: int
    heads: int
    kv_heads: int
    hidden: int
    """Hidden units of the MLP, or of each expert."""
    experts: int
    """0 where the MLP is dense."""
    positions: Literal["rotary", "learned", "alibi", "none"]
    biases: Literal["none", "qkv", "all"]
    tied: bool
    query_key_norm: bool
    context: int


def shapes(c: Network) -> dict[str, tuple[int, ...]]:
    """Shape of every tensor of one model, by name; matrices are [out, in], those of MLPs [E, out, in]."""
    d, query, value, copies = c.width, c.heads * c.head_size, c.kv_heads * c.head_size, max(1, c.experts)
    norms = ("weight", "bias") if c.norm == "layer" and c.biases == "all" else ("weight",)
    found: dict[str, tuple[int, ...]] = {"embed.weight": (VOCAB, d)}
    if c.positions == "learned":
        found["position.weight"] = (c.context, d)
    for i in range(c.layers):
        block = f"layers.{i}."
        for role, rows, columns in (("q", query, d), ("k", value, d), ("v", value, d), ("o", d, query)):
            found[f"{block}{role}.weight"] = (rows, columns)
            if c.biases == "all" or (c.biases == "qkv" and role != "o"):
                found[f"{block}{role}.bias"] = (rows,)
        if c.query_key_norm:
            found |= {f"{block}{role}_norm.weight": (c.head_size,) for role in "qk"}
        if c.experts:
            found[f"{block}router.weight"] = (c.experts, d)
        mlp = (("gate", c.hidden, d), ("up", c.hidden, d), ("down", d, c.hidden))
        for role, rows, columns in mlp if c.gated else mlp[1:]:
            found[f"{block}{role}.weight"] = (copies, rows, columns)
            if c.biases == "all":
                found[f"{block}{role}.bias"] = (copies, rows)
        for role in ("norm_mlp", "norm_out" if c.post else "norm_attn"):
            found |= {f"{block}{role}.{kind}": (d,) for kind in norms}
    found |= {f"{'norm_embed' if c.post else 'norm_final'}.{kind}": (d,) for kind in norms}
    return found if c.tied else found | {"unembed.weight": (VOCAB, d)}


def logits(w: Weights, c: Network, tokens: Tensor, drop: Drop = lambda x: x) -> Tensor:
    """Next-token logits.

    Parameters
    ----------
    w : weights, each [S, ...] with the shape that :func:`shapes` gives.
    c : the network.
    tokens : int64, shape [S, B, T].
    drop : dropout of what sublayers and the embedding add to the stream, [S, N, width] to the same.

    Returns
    -------
    Tensor
        float32, shape [S, N, 256].
    """
    models, rows, length = tokens.shape
    table = w["embed.weight"]
    start = (VOCAB * torch.arange(models)).view(-1, 1, 1)
    x = F.embedding(tokens + start, table.reshape(-1, c.width))
    if c.positions == "learned":
        x = x + w["position.weight"][:, None, :length]
    x = x.view(models, rows * length, c.width)
    x = drop(_norm(w, c, "norm_embed", x) if c.post else x)
    places = _places(c, length)
    for i in range(c.layers):
        block = f"layers.{i}."
        if c.post:
            x = _norm(w, c, block + "norm_mlp", x + drop(_attention(w, c, block, x, places, rows)))
            x = _norm(w, c, block + "norm_out", x + drop(_mlp(w, c, block, x)))
        else:
            x = x + drop(_attention(w, c, block, _norm(w, c, block + "norm_attn", x), places, rows))
            x = x + drop(_mlp(w, c, block, _norm(w, c, block + "norm_mlp", x)))
    x = x if c.post else _norm(w, c, "norm_final", x)
    return torch.bmm(x, w["embed.weight" if c.tied else "unembed.weight"].transpose(1, 2))


def _norm(w: Weights, c: Network, name: str, x: Tensor) -> Tensor:
    x = _rms(x) if c.norm == "rms" else F.layer_norm(x, (c.width,))
    gain, bias = w[name + ".weight"].unsqueeze(1), w.get(name + ".bias")
    return x * gain if bias is None else torch.addcmul(bias.unsqueeze(1), x, gain)


def _linear(x: Tensor, matrix: Tensor, bias: Tensor | None) -> Tensor:
    """The product of x [S, N, in] and a matrix [S, out, in], shape [S, N, out]."""
    if bias is None:
        return torch.bmm(x, matrix.transpose(1, 2))
    return torch.baddbmm(bias.unsqueeze(1), x, matrix.transpose(1, 2))


def _attention(w: Weights, c: Network, block: str, x: Tensor, places: Tensor | None, rows: int) -> Tensor:
    models, count, _ = x.shape
    together = torch.cat([w[f"{block}{role}.weight"] for role in "qkv"], 1)
    biases = None if c.biases == "none" else torch.cat([w[f"{block}{role}.bias"] for role in "qkv"], 1)
    read = _linear(x, together, biases).view(models, count, -1, c.head_size)
    qk, v = read.split((c.heads + c.kv_heads, c.kv_heads), 2)
    if c.query_key_norm:
        gains = [w[f"{block}{role}_norm.weight"][:, None, None] for role in "qk"]
        gain = torch.cat([gains[0].expand(-1, 1, c.heads, -1), gains[1].expand(-1, 1, c.kv_heads, -1)], 2)
        qk = _rms(qk) * gain
    qk, v = (one.reshape(models * rows, count // rows, -1, c.head_size) for one in (qk, v))
    if c.positions == "rotary" and places is not None:
        planes = torch.view_as_complex(qk.unflatten(-1, (-1, 2)))
        qk = torch.view_as_real(planes * places).flatten(-2)
    q, k = (one.transpose(1, 2) for one in qk.split((c.heads, c.kv_heads), 2))
    slopes = places if c.positions == "alibi" else None
    mixed = F.scaled_dot_product_attention(
        q, k, v.transpose(1, 2), slopes, is_causal=slopes is None, enable_gqa=c.kv_heads < c.heads
    )
    mixed = mixed.transpose(1, 2).reshape(models, count, -1)
    return _linear(mixed, w[block + "o.weight"], w.get(block + "o.bias"))


def _places(c: Network, length: int) -> Tensor | None:
    """Rotations of planes of channels, complex [T, 1, head size / 2], or what ALiBi adds to scores, [heads, T, T]."""
    if c.positions == "rotary":
        frequency = 10000.0 ** (-torch.arange(0, c.head_size, 2) / c.head_size)
        angle = torch.outer(torch.arange(length), frequency)
        return torch.polar(torch.ones_like(angle), angle).unsqueeze(1)
    if c.positions == "alibi":
        distance = torch.arange(length)[:, None] - torch.arange(length)
        slopes = 2.0 ** (-8 * torch.arange(1, c.heads + 1) / c.heads)
        added = -slopes[:, None, None] * distance
        return added.masked_fill(distance < 0, -torch.inf)
    return None


def _mlp(w: Weights, c: Network, block: str, x: Tensor) -> Tensor:
    """The MLP, or all experts side by side, of which a token weights all but two by 0."""
    up = _linear(x, *_side_by_side(w, block + "up"))
    inner = _activation(c, _linear(x, *_side_by_side(w, block + "gate"))) * up if c.gated else _activation(c, up)
    down, bias = w[block + "down.weight"], w.get(block + "down.bias")
    if not c.experts:
        return _linear(inner, down[:, 0], None if bias is None else bias[:, 0])
    scores = F.softmax(_linear(x, w[block + "router.weight"], None), -1)
    chosen = scores * (scores >= scores.topk(ACTIVE, -1).values[..., -1:])
    share = chosen / chosen.sum(-1, keepdim=True)
    inner = (inner.unflatten(-1, (c.experts, c.hidden)) * share.unsqueeze(-1)).flatten(-2)
    out = _linear(inner, down.transpose(1, 2).flatten(2), None)
    return out if bias is None else torch.baddbmm(out, share, bias)


def _side_by_side(w: Weights, name: str) -> tuple[Tensor, Tensor | None]:
    """The matrices of all experts as one [S, E out, in], and their biases."""
    bias = w.get(name + ".bias")
    return w[name + ".weight"].flatten(1, 2), None if bias is None else bias.flatten(1)


def _activation(c: Network, x: Tensor) -> Tensor:
    if c.activation == "silu":
        return F.silu(x)
    if c.activation == "gelu":
        return F.gelu(x)
    return F.relu(x) if c.activation == "relu" else _relu_squared(x)


class _Rms(torch.autograd.Function):
    """Rows over their root mean square; twice as fast as PyTorch's on a CPU."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = size.square_().div_(x.shape[-1]).add_(1e-5).rsqrt_()
        normed = x * scale
        ctx.save_for_backward(normed, scale)
        return normed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        normed, scale = ctx.saved_tensors
        along = (gradients[0] * normed).mean(-1, keepdim=True)
        return torch.addcmul(gradients[0], normed, along, value=-1).mul_(scale)


class _ReluSquared(torch.autograd.Function):
    """The square of what is positive; twice as fast as in two steps."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        positive = F.relu(x)
        ctx.save_for_backward(positive)
        return positive.square()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (positive,) = ctx.saved_tensors
        return (gradients[0] * positive).mul_(2)


_rms: Callable[[Tensor], Tensor] = _Rms.apply
_relu_squared: Callable[[Tensor], Tensor] = _ReluSquared.apply
