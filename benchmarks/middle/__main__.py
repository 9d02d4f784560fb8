"""``python -m benchmarks.middle``: how often each rule excludes the model that is the middle of three.

Train the models first with ``python -m benchmarks.middle.models``. Writes ``tables/middle.json`` and its page.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ..pages import publish
from ..zoo.__main__ import CACHE
from .models import BASES, PLACED, Triple, large, small, weights
from .rules import DRAWS, LEVEL, RULES, Judged, judge

ANGLE = "largest angle"
"""Names the model at which the cosine is least."""


def main() -> None:
    """Measure, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.middle", description=__doc__)
    parser.add_argument("--folder", type=Path, default=CACHE.parent / "middle", help="of small models (%(default)s)")
    parser.add_argument("--larger", type=Path, default=CACHE.parent / "beyond", help="(%(default)s)")
    options = parser.parse_args()
    publish(
        "middle",
        {
            "level": LEVEL,
            "draws": DRAWS,
            "bases": BASES,
            "placed": PLACED,
            "numbers": {
                "small": _numbers(options.folder, next(small())),
                "large": _numbers(options.larger, next(large())),
            },
            "small": measured(small(), options.folder),
            "large": measured(large(), options.larger),
        },
    )


def measured(triples: Iterable[Triple], folder: Path) -> dict[str, Any]:
    """Counts by kind of triple."""
    kinds: dict[str, list[tuple[Judged, ...]]] = {}
    middles: dict[str, bool] = {}
    for triple in triples:
        one, two, three = (weights(folder, name) for name in triple.models)
        found = (judge(one, two, three), judge(two, three, one), judge(three, one, two))
        kinds.setdefault(triple.kind, []).append(found)
        middles[triple.kind] = triple.has_middle
    return {kind: counts(found, has_middle=middles[kind]) for kind, found in kinds.items()}


def counts(triples: list[tuple[Judged, ...]], *, has_middle: bool) -> dict[str, Any]:
    """Of triples of one kind, the middle first if they have one: what each rule says.

    ``excluded``: the middle is excluded. ``right`` and ``wrong``: one model alone is left, and is the middle, or not.
    """
    cosines = [found[0].cosine for found in triples]
    called = {}
    for rule in RULES:
        left = [[not one.excluded(rule) for one in found] for found in triples]
        alone = [one for one in left if sum(one) == 1]
        right = sum(one[0] for one in alone) if has_middle else 0
        excluded = sum(not one[0] for one in left) if has_middle else None
        called[rule] = {"excluded": excluded, "right": right, "wrong": len(alone) - right}
    first = sum(found[0].cosine == min(one.cosine for one in found) for found in triples)
    right = first if has_middle else 0
    called[ANGLE] = {"excluded": None, "right": right, "wrong": len(triples) - right}
    return {
        "triples": len(triples),
        "has_middle": has_middle,
        "cosine": [round(float(np.quantile(cosines, q)), 3) for q in (0.0, 0.5, 1.0)] if has_middle else None,
        "called": called,
    }


def _numbers(folder: Path, triple: Triple) -> int:
    """Numbers of each model of a triple."""
    return sum(x.size for x in weights(folder, triple.models[0]).values())


if __name__ == "__main__":
    main()
