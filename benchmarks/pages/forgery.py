"""``forgery.md``: what makes a stranger look related, and what it leaves behind."""

from __future__ import annotations

from typing import Any

from .markdown import bold, page, table

Found = dict[str, Any]
LEVEL = -3.0


def forgery(found: Found) -> str:
    """The page."""
    tests, again = found["tests"], found["again"]
    return page(
        "# What it costs to forge a relation",
        f"Small models of the zoo: {found['pairs']} strangers, each made to look like a reference of the same recipe "
        "by someone who holds that reference (`python -m benchmarks.evasion`). *Cost*: loss on held-out text over "
        f"that of the stranger, in nats per token ({found['loss']:.3f} on average before): median, least and most. "
        f"*Repaired*: trained for {found['repair']:g} of a training. Of each test: the median of log10 p; bold: at "
        "most .001. *Related*: reports that say RELATED. *Alike*: that say MORE ALIKE THAN EXPECTED, with the panel "
        "that ships. *Gains*: reports that tell of equal norm gains. *Spreads*: median of the disputed correlation.",
        _rows(found["rows"], "log10_p", tests),
        "## Under another sketch",
        "The same models, fingerprinted again under sizes that the forger did not expect: "
        f"{again['units']} units of each MLP, {again['projections']} projections, {again['anchors']} anchors. Median "
        "of log10 p:",
        _rows(found["rows"], "again", tests),
        "How many of those that a test finds at .001 under the usual sketch it also finds under the other. "
        "*Relatives*: the copies of the evasion study, but those trained from new weights. *Forged*: strangers whose "
        "function was kept.",
        table(
            "lr",
            ["test", "relatives found", "also under the other", "forged found", "also under the other"],
            [[test, *row["relatives"], *row["forged"]] for test, row in found["sketches"].items()],
        ),
        "## What a forgery leaves behind",
        "The median score of identified indices over that of their best matches elsewhere (about 1 where units were "
        "merely put in order), of what a test finds at .001; of rotary planes, the mean modulus of their products "
        "(1 for equal planes), which no turn changes. Weak relatives (merged at a small share, almost pruned away) "
        "are among the relatives.",
        table(
            "lr",
            ["test", "relatives", "least", "median", "largest", "forged", "least", "median", "largest"],
            [[test, *_numbers(row["relatives"]), *_numbers(row["forged"])] for test, row in found["lifts"].items()],
        ),
    )


def _rows(rows: list[Found], field: str, tests: list[str]) -> list[str]:
    made = []
    for row in rows:
        middle, low, high = row["cost"]
        values = [row[field].get(test) for test in tests]
        cells = ["n/a" if p is None else bold(f"{p:.1f}", p <= LEVEL) for p in values]
        title = ", ".join(filter(None, (row["title"], row["strength"], "repaired" * row["repaired"])))
        head = [title, f"{middle:.3f} [{low:.3f}, {high:.3f}]"] if field == "log10_p" else [title]
        tail = (
            [f"{row['related']} of {row['pairs']}", row["alike"], row["gains"], f"{row['spreads']:.2f}"]
            if field == "log10_p"
            else []
        )
        made.append([*head, *cells, *tail])
    head = ["forgery", "cost", *tests, "related", "alike", "gains", "spreads"]
    return table("lr", head if field == "log10_p" else ["forgery", *tests], made)


def _numbers(row: list[float] | None) -> list[str]:
    return [""] * 4 if row is None else [str(row[0]), *(f"{value:.2f}" for value in row[1:])]
