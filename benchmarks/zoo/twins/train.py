"""Train the models of a recipe side by side, each as it would be trained alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ..build import seed
from ..texts import text
from .design import Recipe
from .network import Drop, Network, Weights, logits, shapes
from .optimisers import OPTIMISERS

_FLOOR = 0.05  # of the peak learning rate, at the end


def initial(recipe: Recipe, name: str) -> Weights:
    """Initial weights of one model: Gaussian matrices, gains 1, biases 0."""
    generator = torch.Generator().manual_seed(seed(f"{name}/initial"))
    weights = {}
    for key, shape in shapes(recipe.network).items():
        if key.endswith("bias"):
            weights[key] = torch.zeros(shape)
        elif "norm" in key:
            weights[key] = torch.ones(shape)
        else:
            sd = shape[-1] ** -0.5 if recipe.sd is None else recipe.sd
            weights[key] = torch.randn(shape, generator=generator) * sd
    return weights


def train(recipe: Recipe, names: Sequence[str], teacher: Weights | None = None) -> tuple[list[Weights], list[float]]:
    """Train models of one recipe.

    Parameters
    ----------
    recipe : how.
    names : of the models; initial weights, data order and dropout follow from a model's name alone.
    teacher : weights whose logits are learned, in place of the text.

    Returns
    -------
    tuple
        Float32 weights of each model, and its mean loss over the last tenth of the steps, in nats per byte (with a
        teacher, the Kullback-Leibler divergence).
    """
    c, count = recipe.network, len(names)
    each = [initial(recipe, name) for name in names]
    values = torch.stack([torch.cat([value.flatten() for value in weights.values()]) for weights in each])
    gradients = torch.empty_like(values)
    leaves = {key: view.requires_grad_() for key, view in views(c, values).items()}
    inner = [key for key in shapes(c) if _is_matrix(key)]
    update = OPTIMISERS[recipe.optimiser](values, lambda x: [view for k, view in views(c, x).items() if k in inner])
    decayed = torch.cat([torch.full(shape, float("bias" not in k and "norm" not in k)).flatten() for k, shape in
                         shapes(c).items()])  # fmt: skip
    rngs = [np.random.default_rng(seed(f"{name}/order")) for name in names]
    drop = dropout(recipe.dropout, names)
    tail, counted = torch.zeros(count), max(1, recipe.steps // 10)
    for step in range(recipe.steps):
        tokens = torch.stack([_rows(recipe, rng) for rng in rngs])
        losses = _losses(leaves, c, tokens, drop, teacher)
        found = torch.autograd.grad(losses.sum(), list(leaves.values()))
        with torch.no_grad():
            torch.cat([gradient.flatten(1) for gradient in found], 1, out=gradients)
            gradients.mul_((1 / (gradients.norm(dim=1, keepdim=True) + 1e-6)).clamp_(max=1))
            rate = recipe.rate * schedule(step, recipe.steps, slow=c.post)
            change = update(gradients)
            if recipe.decay:
                change = torch.addcmul(change, values, decayed, value=recipe.decay)
            values.sub_(change, alpha=rate)
        if step >= recipe.steps - counted:
            tail += losses.detach() / counted
    trained = [{key: leaf.detach()[i].clone() for key, leaf in leaves.items()} for i in range(count)]
    return trained, tail.tolist()


def views(c: Network, values: Tensor) -> Weights:
    """Every tensor, [S, ...], as a view of all of them side by side, [S, P]."""
    found, start = {}, 0
    for key, shape in shapes(c).items():
        found[key] = values[:, start : start + math.prod(shape)].view(-1, *shape)
        start += math.prod(shape)
    return found


def schedule(step: int, steps: int, *, slow: bool) -> float:
    """Share of the peak learning rate: linear warm-up over a tenth (slow: a fifth) of the steps, then a cosine."""
    warm = max(1, steps // (5 if slow else 10))
    if step < warm:
        return (step + 1) / warm
    return _FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def dropout(share: float, names: Sequence[str]) -> Drop:
    """Dropout of [S, N, width], drawn for each model from a generator of its own."""
    generators = [torch.Generator().manual_seed(seed(f"{name}/dropout")) for name in names]

    def drop(x: Tensor) -> Tensor:
        kept = torch.stack([torch.rand(x.shape[1:], generator=generator) for generator in generators]) >= share
        return x * kept.to(x.dtype).div_(1 - share)

    return drop if share else lambda x: x


def _is_matrix(key: str) -> bool:
    """Whether a tensor maps the stream to something or back: what Muon and Adafactor treat as a matrix."""
    return key.endswith("weight") and "norm" not in key and not key.startswith(("embed", "position", "unembed"))


def _rows(recipe: Recipe, rng: np.random.Generator) -> Tensor:
    """Random windows of the corpora, shape [rows, context + 1]."""
    texts: list[NDArray[np.uint8]] = [text(name) for name in recipe.corpora]
    length = recipe.network.context + 1
    which = (rng.random(recipe.rows) < recipe.share).astype(int)
    places = rng.random(recipe.rows)
    rows = [
        texts[k][(n := int(u * (len(texts[k]) - length))) : n + length] for k, u in zip(which, places, strict=True)
    ]
    return torch.from_numpy(np.stack(rows).astype(np.int64))


def _losses(leaves: Weights, c: Network, tokens: Tensor, drop: Drop, teacher: Weights | None) -> Tensor:
    """Mean loss of each model, shape [S]."""
    out = logits(leaves, c, tokens[..., :-1], drop)
    if teacher is None:
        losses = F.cross_entropy(out.flatten(0, 1), tokens[..., 1:].flatten(), reduction="none")
        return losses.view(len(tokens), -1).mean(1)
    with torch.no_grad():
        taught = {key: value.unsqueeze(0) for key, value in teacher.items()}
        target = F.log_softmax(torch.cat([logits(taught, c, one[None, :, :-1]) for one in tokens]), -1)
    return F.kl_div(F.log_softmax(out, -1), target, reduction="none", log_target=True).sum(-1).mean(1)
