"""Optimisers for models side by side: parameters are one matrix [S, P], a row for each model; no row sees another.

An optimiser maps a gradient [S, P] to an update of the same shape, to be multiplied by the learning rate and
subtracted. ``matrices`` are views of a [S, P] buffer: the tensors with rows and columns, each [S, ..., out, in].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

Update = Callable[[Tensor], Tensor]
Matrices = Callable[[Tensor], list[Tensor]]


def adamw(start: Tensor, matrices: Matrices) -> Update:  # noqa: ARG001
    """Adam with bias correction (Kingma and Ba 2015); decay is the caller's (Loshchilov and Hutter 2019)."""
    mean, square, step = torch.zeros_like(start), torch.zeros_like(start), 0

    def update(gradient: Tensor) -> Tensor:
        nonlocal step
        step += 1
        mean.lerp_(gradient, 0.1)
        square.mul_(0.95).addcmul_(gradient, gradient, value=0.05)
        root = (square / (1 - 0.95**step)).sqrt_().add_(1e-8)
        return torch.div(mean, root, out=root).mul_(1 / (1 - 0.9**step))

    return update


def lion(start: Tensor, matrices: Matrices) -> Update:  # noqa: ARG001
    """Sign of a mean of gradients (Chen et al. 2023)."""
    mean = torch.zeros_like(start)

    def update(gradient: Tensor) -> Tensor:
        sign = torch.lerp(mean, gradient, 0.1).sign_()
        mean.lerp_(gradient, 0.01)
        return sign

    return update


def sgd(start: Tensor, matrices: Matrices) -> Update:  # noqa: ARG001
    """Gradient descent with momentum 0.9."""
    momentum = torch.zeros_like(start)

    def update(gradient: Tensor) -> Tensor:
        return momentum.mul_(0.9).add_(gradient)

    return update


def muon(start: Tensor, matrices: Matrices) -> Update:
    """Momentum of each matrix made orthogonal by five Newton-Schulz steps (Jordan et al. 2024); Adam for the rest.

    Adam's rate is 0.15 of the matrices', which is their ratio in the design.
    """
    momentum, adam = torch.zeros_like(start), adamw(start, matrices)

    def update(gradient: Tensor) -> Tensor:
        changed = adam(gradient).mul_(0.15)
        momentum.mul_(0.95).add_(gradient)
        ahead = torch.add(gradient, momentum, alpha=0.95)
        for out, matrix in zip(matrices(changed), matrices(ahead), strict=True):
            out.copy_(_orthogonal(matrix)).mul_(max(1.0, out.shape[-2] / out.shape[-1]) ** 0.5)
        return changed

    return update


def _orthogonal(matrix: Tensor) -> Tensor:
    tall = matrix.shape[-2] > matrix.shape[-1]
    x = matrix.mT if tall else matrix
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).flatten(0, -3)
    for _ in range(5):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
    x = x.view(matrix.mT.shape if tall else matrix.shape)
    return x.mT if tall else x


def adafactor(start: Tensor, matrices: Matrices) -> Update:
    """Second moments of a matrix by rows and columns; updates of at most 1 (Shazeer and Stern 2018); else Adam."""
    adam, step = adamw(start, matrices), 0
    factors = [(torch.zeros(x.shape[:-1]), torch.zeros(x.mT.shape[:-1])) for x in matrices(start)]

    def update(gradient: Tensor) -> Tensor:
        nonlocal step
        step += 1
        changed, kept = adam(gradient).mul_(0.3), 1 - step**-0.8
        for out, matrix, (rows, columns) in zip(matrices(changed), matrices(gradient), factors, strict=True):
            square = matrix.square().add_(1e-30)
            rows.lerp_(square.mean(-1), 1 - kept)
            columns.lerp_(square.mean(-2), 1 - kept)
            scale = (rows / rows.mean(-1, keepdim=True)).unsqueeze(-1) * columns.unsqueeze(-2)
            change = matrix * scale.rsqrt_()
            size = change.square().mean((-2, -1), keepdim=True).sqrt_()
            out.copy_(change / size.clamp_(min=1.0))
        return changed

    return update


OPTIMISERS: dict[Literal["adamw", "lion", "sgd", "muon", "adafactor"], Callable[[Tensor, Matrices], Update]] = {
    "adamw": adamw,
    "lion": lion,
    "sgd": sgd,
    "muon": muon,
    "adafactor": adafactor,
}
