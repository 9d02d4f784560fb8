# /// script
# requires-python = ">=3.11"
# dependencies = ["mergekit==0.1.5", "torch==2.13.0"]
# ///
"""Merge models with mergekit; never imports ``verify``: ``python merges.py OUT``.

``sources`` beside ``OUT`` holds ``one``, ``two``, ``three``, models of one shape and of three origins, and
``tuned-1``, ``tuned-2``, fine-tunes of ``one``. Writes a folder for each recipe, with ``recipe.json``: the shares by
its own arithmetic, where a recipe is a sum of whole models.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def recipes(folder: Path, layers: int) -> dict[str, tuple[dict[str, Any], dict[str, float] | None]]:
    """Configurations of mergekit by name, and the shares that they give."""

    def of(name: str, **parameters: Any) -> dict[str, Any]:
        return {"model": str(folder / name), **({"parameters": parameters} if parameters else {})}

    base = {"base_model": str(folder / "one"), "dtype": "float32"}
    half = layers // 2
    slices = [
        {"sources": [{"model": str(folder / "one"), "layer_range": [0, half + 1]}]},
        {"sources": [{"model": str(folder / "two"), "layer_range": [half - 1, layers]}]},
    ]
    return {
        "linear": (
            {"merge_method": "linear", "dtype": "float32", "models": [of("one", weight=0.3), of("two", weight=0.7)]},
            {"one": 0.3, "two": 0.7},
        ),
        "linear-of-three": (
            {
                "merge_method": "linear",
                "dtype": "bfloat16",
                "models": [of("one", weight=0.2), of("two", weight=0.5), of("three", weight=0.3)],
            },
            {"one": 0.2, "two": 0.5, "three": 0.3},
        ),
        "slerp": (
            {"merge_method": "slerp", **base, "models": [of("one"), of("two")], "parameters": {"t": 0.3}},
            None,
        ),
        "slerp-by-layer": (
            {
                "merge_method": "slerp",
                **base,
                "slices": [
                    {
                        "sources": [
                            {"model": str(folder / name), "layer_range": [0, layers]} for name in ("one", "two")
                        ]
                    }
                ],
                "parameters": {"t": [0.0, 0.5, 1.0]},
            },
            None,
        ),
        "passthrough": ({"merge_method": "passthrough", "dtype": "float32", "slices": slices}, None),
        "task-arithmetic": (
            {
                "merge_method": "task_arithmetic",
                **base,
                "models": [of("tuned-1", weight=0.6), of("tuned-2", weight=0.4)],
            },
            None,
        ),
        "ties": (
            {
                "merge_method": "ties",
                **base,
                "models": [of("tuned-1", weight=0.5, density=0.5), of("tuned-2", weight=0.5, density=0.5)],
            },
            None,
        ),
        "dare-ties": (
            {
                "merge_method": "dare_ties",
                **base,
                "models": [of("tuned-1", weight=0.5, density=0.5), of("tuned-2", weight=0.5, density=0.5)],
            },
            None,
        ),
        "model-stock": ({"merge_method": "model_stock", **base, "models": [of("tuned-1"), of("tuned-2")]}, None),
    }


def main() -> None:
    """Make all merges that are not there yet."""
    out = Path(sys.argv[1])
    folder = out.parent / "sources"
    layers = json.loads((folder / "one" / "config.json").read_text("utf-8"))["num_hidden_layers"]
    for name, (recipe, shares) in recipes(folder, layers).items():
        if (out / name / "recipe.json").exists():
            continue
        (out / name).mkdir(parents=True, exist_ok=True)
        (out / f"{name}.yml").write_text(json.dumps(recipe), "utf-8")  # JSON is YAML
        command = Path(sys.executable).with_name("mergekit-yaml")
        subprocess.run([command, out / f"{name}.yml", out / name, "--random-seed", "1"], check=True)
        told = {"method": recipe["merge_method"], "shares": shares, "of_one": "tuned-1" in json.dumps(recipe)}
        (out / name / "recipe.json").write_text(json.dumps(told), "utf-8")


if __name__ == "__main__":
    main()
