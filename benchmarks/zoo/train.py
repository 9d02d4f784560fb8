"""One training loop for everything in the zoo: AdamW by default, warm-up and cosine, one thread."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from .config import Config
from .corpus import corpus
from .networks import Weights, logits

BATCH = 12
PEAK = 2e-3  # learning rate
DECAY = 0.1
WARMUP = 50


def train(
    weights: Weights,
    config: Config,
    *,
    data: str,
    steps: int,
    seed: int,
    teacher: tuple[Weights, Config] | None = None,
    optimiser: str = "AdamW",
    peak: float = PEAK,
    rank: int = 0,
) -> tuple[Weights, float]:
    """Train ``weights`` on a corpus, or on a teacher's logits over it.

    ``optimiser`` is the name of one in ``torch.optim`` and ``peak`` its largest learning rate. With a ``rank``, the
    matrices of layers move by a product of two factors of that rank alone, as a LoRA's do, and nothing else moves.

    Returns the trained weights and the mean loss (nats per byte; with a teacher, the
    Kullback-Leibler divergence) over the last tenth of the steps.
    """
    torch.set_num_threads(1)
    text, rng = corpus(data), np.random.default_rng(seed)
    leaves = _factors(weights, rank, seed) if rank else {name: value.clone() for name, value in weights.items()}
    leaves = {name: value.requires_grad_() for name, value in leaves.items()}
    matrices = [value for value in leaves.values() if value.ndim > 1]
    vectors = [value for value in leaves.values() if value.ndim == 1]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
    more = {"betas": (0.9, 0.95)} if optimiser == "AdamW" else {}
    update = getattr(torch.optim, optimiser)(groups, lr=peak, **more)
    losses = []
    for step in range(steps):
        for group in update.param_groups:
            group["lr"] = peak * schedule(step, steps)
        tokens = batch(text, rng, config.context)
        out = logits(_merged(weights, leaves) if rank else leaves, config, tokens[:, :-1])
        loss = _loss(out, tokens, teacher)
        update.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(leaves.values()), 1.0)
        update.step()
        losses.append(loss.item())
    tail = losses[-max(1, steps // 10) :]
    trained = _merged(weights, leaves) if rank else leaves
    return {name: value.detach() for name, value in trained.items()}, float(np.mean(tail))


def _factors(weights: Weights, rank: int, seed: int) -> Weights:
    """Two factors of each matrix of a layer: the first drawn, the second zero."""
    generator, found = torch.Generator().manual_seed(seed), {}
    for name, value in weights.items():
        if value.ndim == 2 and ".layers." in name:
            rows, columns = value.shape
            found[f"{name}/in"] = torch.randn((rank, columns), generator=generator) / columns**0.5
            found[f"{name}/out"] = torch.zeros((rows, rank))
    return found


def _merged(weights: Weights, factors: Weights) -> Weights:
    return {
        name: value + factors[f"{name}/out"] @ factors[f"{name}/in"] if f"{name}/in" in factors else value
        for name, value in weights.items()
    }


def schedule(step: int, steps: int) -> float:
    """Share of the peak learning rate: linear warm-up, then a cosine to a tenth."""
    if step < WARMUP:
        return (step + 1) / WARMUP
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - WARMUP) / max(1, steps - WARMUP)))


def batch(text: NDArray[np.uint8], rng: np.random.Generator, context: int) -> Tensor:
    """Random windows of a text, shape [BATCH, context + 1]."""
    starts = rng.integers(0, len(text) - context - 1, BATCH)
    rows = text[starts[:, None] + np.arange(context + 1)]
    return torch.from_numpy(rows.astype(np.int64))


def _loss(out: Tensor, tokens: Tensor, teacher: tuple[Weights, Config] | None) -> Tensor:
    if teacher is None:
        return F.cross_entropy(out.flatten(0, 1), tokens[:, 1:].flatten())
    with torch.no_grad():
        target = F.log_softmax(logits(*teacher, tokens[:, :-1]), -1)
    return F.kl_div(
        F.log_softmax(out, -1).flatten(0, 1), target.flatten(0, 1), log_target=True, reduction="batchmean"
    )
