"""Evasions by training, and the short training that repairs a damaged copy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..zoo import derive
from ..zoo.build import SHAPES
from ..zoo.changes import changed
from ..zoo.changes.roles import Arrays
from ..zoo.config import Config
from .evasions import HIDDEN_BUT_TWO, fresh
from .models import SCALE

STEPS = SHAPES["scale"][SCALE]["steps"]
REPAIR = 0.1
"""Length of a repair, as a share of the training of a model of the zoo."""
_USUAL = 2e-3  # learning rate of the zoo


@dataclass(frozen=True)
class Training:
    """One way to hide by training."""

    title: str
    lengths: tuple[float, ...]
    """Shares of the training of a model of the zoo."""
    start: str = "copy"
    """``copy``; ``hidden``: its units, channels, heads and stream changed; ``anew``; ``body anew``."""
    taught: bool = False
    """Whether it learns the logits of the copy, and not text."""
    peak: float = _USUAL
    """Learning rate."""

    def begin(self, w: Arrays, c: Config, rng: np.random.Generator) -> Arrays:
        """The weights before training."""
        if self.start == "copy":
            return w
        if self.start == "hidden":
            return changed(w, c, rng, *HIDDEN_BUT_TWO)
        return fresh(w, rng) if self.start == "anew" else derive.replace_body(w, fresh(w, rng))


TRAININGS = {
    "training": Training("further training", (0.1, 1.0)),
    "fast": Training("further training, five times the rate", (0.33,), peak=5 * _USUAL),
    "hidden_training": Training("all but phases and unused rows, then training", (0.33,), start="hidden"),
    "body": Training("body anew on kept embeddings", (0.33,), start="body anew"),
    "distillation": Training("distillation", (1.0,), start="anew", taught=True),
}


def trained(
    w: Arrays, c: Config, length: float, seed: int, *, teacher: Arrays | None = None, peak: float = _USUAL
) -> Arrays:
    """Weights after training on the text of the zoo, or on a teacher's logits over it.

    Parameters
    ----------
    w, c : weights and their network.
    length : share of the training of a model of the zoo.
    seed : of the order of the text.
    teacher : weights of a model of the same network.
    peak : largest learning rate.
    """
    import torch

    from ..zoo.train import train

    def tensors(of: Arrays) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(x) for name, x in of.items()}

    after, _ = train(
        tensors(w),
        c,
        data="code",
        steps=round(length * STEPS),
        seed=seed,
        teacher=None if teacher is None else (tensors(teacher), c),
        peak=peak,
    )
    return {name: x.numpy() for name, x in after.items()}
