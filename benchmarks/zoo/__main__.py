"""``python -m benchmarks.zoo``: build the zoo."""

from __future__ import annotations

import argparse
from pathlib import Path

from .build import SHAPES, Recipe, build

CACHE = Path.home() / ".cache" / "verify" / "zoo"
RECIPES = ("models", "held_out", "strangers", "dispute", "families")


def main() -> None:
    """Parse the command line and build."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.zoo", description=__doc__)
    parser.add_argument("--recipe", choices=RECIPES, default="models")
    parser.add_argument("--scale", choices=list(SHAPES["scale"]), default="standard")
    parser.add_argument("--out", type=Path, default=CACHE)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="default: all of the recipe")
    options = parser.parse_args()
    recipe = Recipe.read(Path(__file__).with_name(f"{options.recipe}.toml"))
    if options.recipe == "models":
        recipe = recipe.with_strangers(SHAPES["scale"][options.scale].get("strangers", 0))
    build(recipe, options.out / options.scale, options.scale, options.models, workers=options.workers)


if __name__ == "__main__":
    main()
