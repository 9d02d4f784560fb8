"""``python -m benchmarks.zoo.stacked``: build the zoo on one GPU, many models trained side by side in one batch.

Models of one shape and length whose ancestors exist are stacked along a new axis and trained by one optimiser;
its update is elementwise and gradients are clipped per model, so each trains as it would alone, up to rounding.
A finished folder is never built again: ``--minutes`` ends the run after the stack during which they are over, and
the next call goes on. Fingerprints are written as models are finished; they are all that leaves the machine.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

import verify

from .__main__ import CACHE
from .build import SHAPES, ZOO, Unfinished, begin, finish, seed
from .corpus import corpus
from .derive import Arrays
from .networks import logits
from .train import DECAY, PEAK, batch, schedule


def main() -> None:
    """Build, or compare stacked training with training one by one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo.stacked", description=__doc__)
    parser.add_argument("--scale", choices=list(SHAPES["scale"]), default="medium")
    parser.add_argument("--out", type=Path, default=CACHE)
    parser.add_argument("--fingerprints", type=Path, help="folder for fingerprints")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--stack", type=int, default=10, help="models trained side by side (%(default)s)")
    parser.add_argument("--minutes", type=float, default=9.0, help="start no stack after this long (%(default)s)")
    parser.add_argument("models", nargs="*", metavar="MODEL")
    options = parser.parse_args()
    started, out = time.perf_counter(), options.out / options.scale
    recipe = ZOO.with_strangers(SHAPES["scale"][options.scale].get("strangers", 0))
    out.mkdir(parents=True, exist_ok=True)
    waiting = recipe.with_ancestors(options.models or list(recipe.models))
    while waiting:
        waiting = [name for name in waiting if not (out / name / "lineage.json").exists()]
        ready = [name for name in waiting if all((out / n / "lineage.json").exists() for n in recipe.ancestors(name))]
        for models in stacks([begin(recipe, out, options.scale, name) for name in ready], options.stack):
            if time.perf_counter() - started > 60 * options.minutes:
                print(f"{len(waiting)} models are left; run this again.")
                return
            began = time.perf_counter()
            trained, losses = train_stacked(models, options.device)
            for model, weights, loss in zip(models, trained, losses, strict=True):
                finish(recipe, out, options.scale, model, weights, loss)
                waiting.remove(model.name)
                if options.fingerprints:
                    verify.fingerprint(out / model.name).save(options.fingerprints / f"{model.name}.safetensors")
            names = ", ".join(model.name for model in models)
            print(f"{time.perf_counter() - began:.0f} s  {names}  losses {losses}", flush=True)


def stacks(models: list[Unfinished], most: int) -> list[list[Unfinished]]:
    """Models that can be trained side by side: one shape, one length, no teacher."""
    groups: defaultdict[Any, list[Unfinished]] = defaultdict(list)
    for model in models:
        groups[model.config, model.steps, model.name if model.teacher else ""].append(model)
    return [group[i : i + most] for group in groups.values() for i in range(0, len(group), most)]


def train_stacked(models: list[Unfinished], device: str) -> tuple[list[Arrays], list[float | None]]:
    """Train every model of a stack; returns weights and the mean loss over the last tenth of the steps."""
    steps, config = models[0].steps, models[0].config
    if not steps:
        return [model.weights for model in models], [None] * len(models)
    leaves = {
        name: torch.stack([torch.from_numpy(model.weights[name]) for model in models]).to(device).requires_grad_()
        for name in models[0].weights
    }
    decayed = [value for value in leaves.values() if value.ndim > 2]
    plain = [value for value in leaves.values() if value.ndim == 2]
    groups = [{"params": decayed, "weight_decay": DECAY}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.95))
    teacher = models[0].teacher
    taught = None if teacher is None else ({k: v.to(device) for k, v in teacher[0].items()}, teacher[1])

    def loss_of(weights: dict[str, Tensor], tokens: Tensor) -> Tensor:
        out = logits(weights, config, tokens[:, :-1])
        if taught is None:
            return F.cross_entropy(out.flatten(0, 1), tokens[:, 1:].flatten())
        with torch.no_grad():
            target = F.log_softmax(logits(*taught, tokens[:, :-1]), -1).flatten(0, 1)
        return F.kl_div(F.log_softmax(out, -1).flatten(0, 1), target, log_target=True, reduction="batchmean")

    losses_of = torch.func.vmap(loss_of)
    texts = [corpus(model.data) for model in models]
    rngs = [np.random.default_rng(seed(model.name + "/order")) for model in models]
    tail, counted = torch.zeros(len(models), device=device), max(1, steps // 10)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = PEAK * schedule(step, steps)
        tokens = torch.stack([batch(t, r, config.context) for t, r in zip(texts, rngs, strict=True)]).to(device)
        with sdpa_kernel(SDPBackend.MATH):  # the others fall back to a loop over models
            losses = losses_of(leaves, tokens)
        optimiser.zero_grad()
        losses.sum().backward()
        _clip(list(leaves.values()))
        optimiser.step()
        if step >= steps - counted:
            tail += losses.detach() / counted
    whole = {name: value.detach().cpu().numpy() for name, value in leaves.items()}
    return [{name: value[i] for name, value in whole.items()} for i in range(len(models))], tail.tolist()


def _clip(leaves: list[Tensor]) -> None:
    """Clip the gradient of every model to norm 1."""
    gradients = [leaf.grad for leaf in leaves if leaf.grad is not None]
    norm = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0).sqrt()
    factor = (1.0 / (norm + 1e-6)).clamp(max=1.0)
    for g in gradients:
        g *= factor.view(-1, *[1] * (g.ndim - 1))


if __name__ == "__main__":
    main()
