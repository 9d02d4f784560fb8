"""``family_trees.md``: the trees that a screen draws of the zoo, against how its models were made."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .markdown import page, table

KINDS = ("parent and child", "further relatives", "strangers")
_MOST = 3  # models named of those that join others


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
            [[kind, kinds[kind]] for kind in KINDS],
        ),
        table("lr", ["parents and children", "number"], sorted(fates.items())),
        table(
            "lrr",
            ["pairs", "found related", "of"],
            [[kind, *counts] for kind, counts in sorted(found["pairs"].items())],
        ),
        "## Families",
        "Families that overlap are the parts of a family that nothing but mutual relatives joins: two models in none "
        "of them together were not found related.",
        table(
            "lrrr",
            ["pairs that stand together", *KINDS],
            [[where, *(counts.get(kind, 0) for kind in KINDS)] for where, counts in found["together"].items()],
        ),
        table(
            "lrll",
            ["models", "number", "joined only through", "families that overlap"],
            [
                [
                    _named(family["models"]),
                    len(family["models"]),
                    "; ".join(_some(joint) for joint in family["joints"]),
                    "; ".join(_without(part, family["models"]) for part in family["overlapping"]),
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


def _some(names: list[str]) -> str:
    return _named(names) if len(names) <= _MOST else f"{_named(names[:_MOST])} and {len(names) - _MOST} more"


def _without(part: list[str], family: list[str]) -> str:
    """A family that overlaps others, by what it holds or, if that is shorter, by what it lacks."""
    lacks = sorted({*family} - {*part})
    return f"{len(part)}: {_named(part)}" if len(part) <= len(lacks) else f"{len(part)}: all but {_named(lacks)}"


def _named(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
