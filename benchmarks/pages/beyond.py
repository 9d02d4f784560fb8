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
    levels, statistics = found["levels"], found["p"]
    siblings = ", ".join(f"{count} on {corpus}" for corpus, count in found["siblings"].items())
    steps = sorted(set(found["steps_of_parents"].values()))
    parents = f"{', '.join(map(str, steps[:-1]))} or {steps[-1]}" if len(steps) > 1 else str(steps[0])
    names = [f"{name}, {level:g}" for name in statistics for level in levels]

    def rows(kinds: dict[str, Any], called: dict[str, str] | None = None) -> list[list[Any]]:
        return [
            [(called or {}).get(kind, kind), one["pairs"], f"{one['largest']:.3f}",
             counted(one["unlike"], one["pairs"]),
             *(counted(n, one["pairs"]) for name in statistics for n in one["called"][name])]
            for kind, one in kinds.items()
        ]  # fmt: skip

    head, align = ["pairs", "largest similarity", "unlike siblings", *names], "lrrr" + "r" * len(names)
    return page(
        "# Beyond the base",
        f"Fine-tunes of one small model, ranked among siblings ({siblings}) that are of the same base and in no "
        "pair. Each is drawn by its name: 100, 200 or 300 steps, one of two learning rates, and one in four moves by "
        "factors of rank 8 alone. A rank over the pairs of the smallest kind is the p-value; the smallest possible "
        f"is {found['smallest_p']:.4f}. Where A or B is unlike all siblings, `verify beyond` gives no verdict; *rank "
        "alone* is without that rule. The cosine of changes, and the partial similarity beyond that with all "
        "siblings, are ranked likewise for comparison; they give no verdict. The statistic was chosen on 42 further "
        "fine-tunes and 12 relatives of these, which are in no row, before the models of this page were looked at; "
        "the rule on unlike models came after, and can only withhold verdicts. `python -m benchmarks.beyond.models`, "
        "then `python -m benchmarks.beyond`.",
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
        "Each of them, with the steps that B was trained for:",
        table("llrrr", ["model", "B", "steps of B", "similarity", "p"],
              [[f"`{row['a']}`", f"`{row['b']}`", found["steps_of_parents"][row["b"]], f"{row['score']:.3f}",
                f"{row[statistics[0]]:.4f}"] for row in found["each_relative"]]),
        "## The same in bfloat16",
        "All models but the base, which stays in float32, stored in bfloat16: much of a light fine-tune is then "
        "rounding.",
        table(align, ["fine-tunes", *head], rows(found["in_bfloat16"]["strangers"])),
        table(align, ["model of B", *head], rows(found["in_bfloat16"]["relatives"])),
    )  # fmt: skip
