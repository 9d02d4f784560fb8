"""``family_trees.md``: the trees that a screen draws of the zoo, against how its models were made."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .markdown import page, table


def family_trees(found: dict[str, Any]) -> str:
    """The page."""
    edges, parents = found["edges"], found["parents"]
    kinds, fates = Counter(row["is"] for row in edges), Counter(row["found"] for row in parents)
    return page(
        "# Trees of the zoo",
        f"One screen of {found['models']} models of the zoo, by their fingerprints (`python -m "
        "benchmarks.family_trees`). A tree joins the models of a family through their closest pairs; it has no "
        "direction. An edge is right if one of the two was made from the other. *Further relatives* go back to the "
        "same initial weights by other ways: siblings, a grandparent, one seed. A student and its teacher count as "
        "strangers. The reference was trained twice, with one seed: what was kept of earlier children is compared "
        "with the earlier one.",
        table(
            "lr",
            ["edges of the trees", "number"],
            [[kind, kinds[kind]] for kind in ("parent and child", "further relatives", "strangers")],
        ),
        table("lr", ["parents and children", "number"], sorted(fates.items())),
        table(
            "lrr",
            ["pairs", "found related", "of"],
            [[kind, *counts] for kind, counts in sorted(found["pairs"].items())],
        ),
        "## Families",
        table(
            "lrl",
            ["models", "number", "joined only through"],
            [
                [
                    _named(family["models"]),
                    len(family["models"]),
                    "; ".join(_named(joint) for joint in family["joints"]),
                ]
                for family in found["families"]
            ],
        ),
        "## Edges by name",
        table(
            "lllr",
            ["edge", "between", "and", "closeness"],
            [[row["is"], *(f"`{name}`" for name in row["pair"]), f"{row['closeness']:.3f}"] for row in edges],
        ),
        "## Parents and children by name",
        table(
            "lll",
            ["pair", "of", "found"],
            [[*(f"`{name}`" for name in row["pair"]), row["found"]] for row in parents],
        ),
    )


def _named(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
