"""Loss on held-out text: sources of the standard library past those that the models were trained on."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..zoo.changes.roles import Arrays
from ..zoo.config import Config
from ..zoo.corpus import past

WINDOWS = 256


@cache
def held_out(context: int) -> NDArray[np.int64]:
    """Windows of text that no model of the study was trained on, shape [WINDOWS, context + 1]."""
    text = past("code")
    starts = np.random.default_rng(0).integers(0, len(text) - context - 1, WINDOWS)
    return text[starts[:, None] + np.arange(context + 1)].astype(np.int64)


def loss(weights: Arrays, config: Config) -> float:
    """Mean loss in nats per token (a byte), over all windows."""
    import torch
    import torch.nn.functional as F

    from ..zoo.networks import logits

    torch.set_num_threads(1)
    tokens = torch.from_numpy(held_out(config.context))
    with torch.no_grad():
        out = logits({name: torch.from_numpy(x) for name, x in weights.items()}, config, tokens[:, :-1])
        return float(F.cross_entropy(out.flatten(0, 1), tokens[:, 1:].flatten()))
