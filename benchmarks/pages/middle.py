"""``middle.md``: how often rules for the middle of three models exclude the one that is."""

from __future__ import annotations

from typing import Any

from .interval import counted
from .markdown import page, table


def middle(found: dict[str, Any]) -> str:
    """The page."""
    rules = list(next(iter(found["small"].values()))["called"])
    tests, angle = rules[:-1], rules[-1]

    def cosines(kinds: dict[str, Any]) -> list[list[Any]]:
        return [
            [kind, one["triples"], *(f"{x:.3f}" for x in one["cosine"]),
             *(counted(one["called"][rule]["excluded"], one["triples"]) for rule in tests)]
            for kind, one in kinds.items() if one["has_middle"]
        ]  # fmt: skip

    def named(kinds: dict[str, Any]) -> list[list[Any]]:
        return [
            [kind, one["triples"], *(f"{called['right']}, {called['wrong']}" for called in one["called"].values())]
            for kind, one in kinds.items()
        ]  # fmt: skip

    excluded = ["triples", "smallest cosine", "median", "largest", *tests]
    told = ["triples", *tests, angle]
    return page(
        "# The middle of three",
        "Three related models, of which one is the base of both others, a stage between them, or their merge: do the "
        "files tell which? From the middle, changes that were placed independently have a cosine near 0; from an "
        "end, both go the way to the middle. Each test takes the inner product of the changes from a model to the "
        "two others, and excludes the model as the middle if it is too large at a third of "
        f"{found['level']:g}, since all three are judged ({found['draws']} draws of signs, or of orders of rows; "
        "what each assumes, and the proof, are in `benchmarks/middle/rules.py`). So the middle should be excluded in "
        f"{found['level'] / 3:.1%} of triples at most. No rule of this page is in `verify`. "
        "`python -m benchmarks.middle.models`, then `python -m benchmarks.middle`.",
        f"Triples of the first two tables are of {found['bases']} bases with {found['numbers']['small']:,} "
        "numbers, each trained from its own initial weights, so those of a row are independent draws; the others are "
        f"fine-tunes of one base with {found['numbers']['large']:,} (of `benchmarks.beyond`), and are not. All were "
        "trained by AdamW with decay, fine-tunes of the small bases for 150 steps unless the row says otherwise.",
        "## The true middle, excluded",
        "Cosine of the changes from the middle, and how often the middle is excluded, with 95% intervals. In the "
        "last row the assumption of all tests by signs holds: rows of one model's change got signs that were drawn, "
        f"{found['placed']} times for each base.",
        table("lr", ["middle and ends", *excluded], cosines(found["small"])),
        "## What is left",
        "How often a rule leaves one model alone: that is the middle, and that is not. The last rule names the model "
        "from which the cosine is least. The last three kinds have no middle.",
        table("lr", ["models", *told], named(found["small"])),
        "## One larger base",
        table("lr", ["middle and ends", *excluded], cosines(found["large"])),
        "How often a model is left alone that is the middle, and that is not:",
        table("lr", ["models", *told], named(found["large"])),
    )  # fmt: skip
