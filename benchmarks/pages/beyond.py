"""``beyond.md``: unrelated fine-tunes of one base that get a verdict beyond it, and relatives that are found."""

from __future__ import annotations

from typing import Any

from .interval import counted
from .markdown import page, table

_KINDS = {
    "longer": "600 steps",
    "hotter": "200 steps at three times the learning rate",
    "shorter": "30 steps",
    "ranked": "rank 2",
    "names": "names of characters, a text of no sibling",
    "sums": "sums, a text of no sibling",
}


def beyond(found: dict[str, Any]) -> str:
    """The page."""
    levels, statistics = found["levels"], found["statistics"]
    siblings = ", ".join(f"{count} on {corpus}" for corpus, count in found["siblings"].items())
    steps = sorted(set(found["steps_of_parents"].values()))
    parents = f"{', '.join(map(str, steps[:-1]))} or {steps[-1]}" if len(steps) > 1 else str(steps[0])
    names = [f"{name}, {level:g}" for name in statistics for level in levels]

    def rows(kinds: dict[str, Any], called: dict[str, str] | None = None) -> list[list[Any]]:
        return [
            [(called or {}).get(kind, kind), len(pairs), f"{max(row['score'] for row in pairs):.3f}",
             *(counted(sum(row[name] <= level + 1e-6 for row in pairs), len(pairs))
               for name in statistics for level in levels)]
            for kind, pairs in kinds.items()
        ]  # fmt: skip

    head, align = ["pairs", "largest similarity", *names], "lrr" + "r" * len(names)
    return page(
        "# Beyond the base",
        f"Fine-tunes of one small model, ranked among siblings ({siblings}) that are of the same base and in no "
        "pair. Each is drawn by its name: 100, 200 or 300 steps, one of two learning rates, and one in four moves by "
        "factors of rank 8 alone. A rank over the pairs of the smallest kind is the p-value; the smallest possible "
        f"is {found['smallest_p']:.4f}. `directions` is the statistic of `verify beyond`. The cosine of changes, and "
        "the partial similarity beyond that with all siblings, are ranked likewise for comparison; they give no "
        "verdict. The statistic was chosen on 42 further fine-tunes and 12 relatives of these, which are in no row. "
        "`python -m benchmarks.beyond.models`, then `python -m benchmarks.beyond`.",
        "## Unrelated pairs with p at most a level",
        table(align, ["fine-tunes", *head], rows(found["strangers"])),
        "Disjoint pairs, drawn as the siblings are. How alike they are, smallest, median and largest:",
        table("lll", ["statistic", "of one text, other seeds", "of two texts"],
              [[name, *(", ".join(f"{x:.3f}" for x in spread) for spread in spreads.values())]
               for name, spreads in found["alike"].items()]),
        "## Unrelated pairs unlike all siblings",
        "Two of one recipe and one text, other seeds, where no sibling has the recipe or the text. The assumption of "
        "p does not hold for them.",
        table(align, ["fine-tunes", *head], rows(found["harder"], _KINDS)),
        "## Relatives found",
        f"A fine-tune B, trained for {parents} steps, and a model trained on from B, half of them on another text; "
        "or B merged with an unrelated fine-tune on another text.",
        table(align, ["model of B", *head], rows(found["relatives"])),
        "## The same in bfloat16",
        "All models but the base, which stays in float32, stored in bfloat16: much of a light fine-tune is then "
        "rounding.",
        table(align, ["fine-tunes", *head], rows(found["in_bfloat16"]["strangers"])),
        table(align, ["model of B", *head], rows(found["in_bfloat16"]["relatives"])),
    )  # fmt: skip
