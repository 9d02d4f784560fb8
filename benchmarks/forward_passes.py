"""``python -m benchmarks.forward_passes``: whether the groups of the tests keep the function of trained networks.

Applies random elements of each group to trained weights of every family of the zoo, and changes that look alike but
belong to no group; measures how far logits of text move. Writes ``tables/forward_passes.json`` and its page.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from . import trained
from .pages import publish
from .zoo.build import read, seed
from .zoo.changes import CHANGES
from .zoo.changes.broken import CONTROLS
from .zoo.changes.roles import Arrays, roles, stored
from .zoo.changes.tokens import UNUSED
from .zoo.config import Config
from .zoo.corpus import corpus
from .zoo.networks import logits
from .zoo.train import batch

ELEMENTS = 2
"""Random elements of each group."""
TEXT = "prose"
WINDOWS = 2


def main() -> None:
    """Measure, and write the results and the page."""
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forward_passes", description=__doc__)
    trained.argument(parser)
    folders = trained.folders(parser.parse_args().zoo)
    rows = {name: {"title": c.title, "keeps": True, "difference": {}} for name, c in CHANGES.items()}
    rows |= {f"not {name}": {"title": c[0], "keeps": False, "difference": {}} for name, c in CONTROLS.items()}
    for family, folder in folders.items():
        for name, difference in _differences(folder).items():
            rows[name]["difference"][family] = difference
        print(family, flush=True)
    publish(
        "forward_passes",
        {"families": list(folders), "elements": ELEMENTS, "windows": WINDOWS, "rows": list(rows.values())},
    )


def _differences(folder: Path) -> dict[str, float]:
    """Largest difference of a logit over elements, by the name of what was done."""
    weights, c = read(folder.parent, folder.name)
    tokens = batch(corpus(TEXT), np.random.default_rng(0), c.context)[:WINDOWS, :-1]
    before, found = _logits(weights, c, tokens), {}
    for name, change in CHANGES.items():
        if change.applies(c):
            after = [change(weights, c, np.random.default_rng(seed(f"{name}/{n}"))) for n in range(ELEMENTS)]
            found[name] = max(_difference(_logits(w, c, tokens), before) for w in after)
    for name, (_, do, applies) in CONTROLS.items():
        if applies(c):
            changed = roles(weights, c)
            do(changed, c, np.random.default_rng(seed(name)))
            found[f"not {name}"] = _difference(_logits(stored(changed, c), c, tokens), before)
    return found


def _logits(weights: Arrays, c: Config, tokens: Tensor) -> Tensor:
    """In double precision, of the tokens that texts use."""
    used = [token for token in range(c.vocab) if token not in UNUSED]
    doubled = {name: torch.from_numpy(x.astype(np.float64)) for name, x in weights.items()}
    return logits(doubled, c, tokens)[..., used]


def _difference(after: Tensor, before: Tensor) -> float:
    return float(f"{(after - before).abs().max():.1e}")


if __name__ == "__main__":
    main()
