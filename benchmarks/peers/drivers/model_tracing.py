"""Calls phi_U (``csu``) or phi_MATCH (``match``) of a checkout of model-tracing on two models, on the processor.

Run in an environment with its requirements: PATH A B STATISTIC. Their code moves tensors to ``cuda``; here that word
is read as ``cpu``.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

SAMPLES = 20
"""As their ``--dataset random`` has."""


def main() -> None:
    """Print log10 of the p-value as JSON."""
    place, a, b, statistic = sys.argv[1:]
    sys.path.insert(0, place)
    import torch

    for kind in (torch.Tensor, torch.nn.Module):
        kind.to = _moved(kind.to)  # type: ignore[method-assign]
    torch.manual_seed(0)
    from transformers import AutoModelForCausalLM

    base, other = (AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for folder in (b, a))
    value = phi_u(base, other) if statistic == "csu" else phi_match(base, other)
    if math.isnan(value):
        print(json.dumps({"why": "no MLP blocks of equal name"}))
    else:
        print(json.dumps({"log10_p": math.log10(max(value, sys.float_info.min))}))


def phi_u(base: Any, other: Any) -> float:
    """The p-value over all blocks."""
    from tracing.statistics.csu import statistic

    return float(statistic(base, other)[0])


def phi_match(base: Any, other: Any) -> float:
    """The p-value over the blocks that both have, on random tokens."""
    from tracing.statistics.match import statistic
    from tracing.utils.evaluate import prepare_hf_dataloader, prepare_random_sample_dataset
    from tracing.utils.utils import fisher

    context = min(model.config.max_position_embeddings for model in (base, other))
    vocabulary = min(model.config.vocab_size for model in (base, other))
    data = prepare_hf_dataloader(prepare_random_sample_dataset(SAMPLES, context, vocabulary), 1)
    blocks = min(model.config.num_hidden_layers for model in (base, other))
    return float(fisher(statistic(base, other, data, n_blocks=blocks)))


def _moved(to: Any) -> Any:
    def moved(self: Any, *arguments: Any, **more: Any) -> Any:
        return to(self, *("cpu" if str(x).startswith("cuda") else x for x in arguments), **more)

    return moved


if __name__ == "__main__":
    main()
