# /// script
# requires-python = ">=3.11"
# dependencies = ["mergekit==0.1.5", "torch==2.13.0"]
# ///
"""Merge fine-tunes of one base with mergekit; never imports ``verify``: ``python changes.py OUT``.

``children`` beside ``OUT`` holds ``base`` and its fine-tunes ``prose``, ``science`` and ``headers``. Writes a folder
for each recipe, with ``recipe.json``: the multiple of each change that the recipe's arithmetic leaves where a number
holds that change alone, and where it holds all; None where it differs from tensor to tensor.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

DENSITIES = (0.3, 0.7)
TYPES = ("float32", "bfloat16")
WEIGHTS = {"prose": 0.6, "science": 0.4}
THREE = {"prose": 0.5, "science": 0.3, "headers": 0.4}
SPARSE = {
    "ties": (True, False),
    "dare_ties": (False, True),
    "dare_linear": (False, True),
    "della": (True, True),
    "breadcrumbs": (False, False),
}
"""Methods that keep a share of each change: whether sums are divided by the weights in them, and by that share."""
Recipe = tuple[dict[str, Any], dict[str, Any]]


def recipes(folder: Path) -> dict[str, Recipe]:
    """Configurations of mergekit by name, and what they leave."""
    found: dict[str, Recipe] = {}
    base = str(folder / "base")
    for dtype in TYPES:

        def add(
            name: str,
            method: str,
            weights: dict[str, float],
            truth: dict[str, Any],
            each: dict[str, float] | None = None,
            weighted: bool = True,
            dtype: str = dtype,
            **rest: Any,
        ) -> None:
            models = [
                {"model": str(folder / of), "parameters": ({"weight": w} if weighted else {}) | (each or {})}
                for of, w in weights.items()
            ]
            recipe = {"merge_method": method, "dtype": dtype, "models": models} | rest
            found[f"{name}-{dtype}"] = recipe, {"method": method, "dtype": dtype, "of": list(weights)} | truth

        under = {"base_model": base}
        add("task-arithmetic", "task_arithmetic", WEIGHTS, {"alone": None, "all": WEIGHTS}, **under)
        add("linear", "linear", WEIGHTS, {"alone": None, "all": WEIGHTS})
        stock = {"alone": None, "all": None}
        add("model-stock", "model_stock", WEIGHTS, stock, weighted=False, **under)
        found[f"slerp-{dtype}"] = (
            {
                "merge_method": "slerp",
                "dtype": dtype,
                "base_model": str(folder / "prose"),
                "models": [{"model": str(folder / of)} for of in WEIGHTS],
                "parameters": {"t": 0.4},
            },
            {"method": "slerp", "dtype": dtype, "of": list(WEIGHTS)} | stock,
        )
        for density in DENSITIES:
            for method, (divided, rescaled) in SPARSE.items():
                for names in (WEIGHTS, THREE) if method == "dare_linear" and density < 0.5 else (WEIGHTS,):
                    scale = 1 / density if rescaled else 1.0
                    truth = {
                        "density": density,
                        "alone": {of: scale if divided else w * scale for of, w in names.items()},
                        "all": {of: w * scale / (sum(names.values()) if divided else 1) for of, w in names.items()},
                    }
                    of = "-of-three" * (names is THREE)
                    each = {"density": density}
                    add(f"{method.replace('_', '-')}-{density:g}{of}", method, names, truth, each, **under)
    return found


def main() -> None:
    """Make all merges that are not there yet."""
    from mergekit.config import MergeConfiguration
    from mergekit.merge import run_merge
    from mergekit.options import MergeOptions

    out = Path(sys.argv[1])
    for name, (recipe, truth) in recipes(out.parent / "children").items():
        if (out / name / "recipe.json").exists():
            continue
        config = MergeConfiguration.model_validate(recipe)
        run_merge(config, str(out / name), MergeOptions(random_seed=1))
        (out / name / "recipe.json").write_text(json.dumps(truth), "utf-8")


if __name__ == "__main__":
    main()
