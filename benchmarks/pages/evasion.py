"""``evasion.md``: what hides a copy from which test, and what that costs in loss."""

from __future__ import annotations

from typing import Any

from .interval import interval
from .markdown import bold, page, table

Found = dict[str, Any]


def evasion(found: Found) -> str:
    """The page."""
    pairs, levels, tests = found["pairs"], found["levels"], found["tests"]
    blocks: list[str | list[str]] = []
    for attack in found["attacks"]:
        blocks += [f"## {attack['title'].capitalize()}", _attack(attack, tests)]
    sizes = sorted({row["pairs"] for attack in found["attacks"] for row in attack["rows"]})
    intervals = [[f"{k} of {n}", interval(k, n).partition(" ")[2]] for n in sizes for k in range(n + 1)]
    return page(
        "# What it costs to hide a copy",
        f"Small models of the zoo, {pairs} references of one recipe, each attacked with growing strength "
        "(`python -m benchmarks.evasion`). *Cost*: loss on held-out text over that of the unattacked reference, in "
        f"nats per token (a byte; {found['loss']:.3f} on average before): median, least and most over them. "
        "Below 0: training went on, and the copy got better. "
        f"*Training*: what was spent, as a share of the training of the reference; a repair is {found['repair']:g} "
        "of it, on the text of the reference. Of each test: how many copies it finds at "
        f"{levels[0]:g} (in brackets, at {levels[1]:g}), by itself. *Related*: the report says RELATED at "
        f"{levels[0]:g}, all tests paid for. *Alike*: it says MORE ALIKE THAN EXPECTED, with the panel that ships. "
        "*Spreads*: median of the disputed correlation of spreads of attention weights.",
        "## How much must be paid to be invisible",
        "For each attack the least cost at which no test finds any copy, and no report says RELATED; before the "
        "repair and after. *None*: no strength hides from all, up to the largest cost that was tried.",
        _least(found["attacks"]),
        "95% Clopper-Pearson intervals of a share:",
        table("lr", ["found", "interval"], intervals),
        *blocks,
        "## Controls",
        "The same attacked models, and the strangers of the study, against a model that they are not related to. "
        "They share models, so no interval is given.",
        _controls(found["controls"], levels),
    )


def hidden(row: Found) -> bool:
    """Whether no test finds a copy at the lower level, and no report says RELATED."""
    return not row["related"] and not any(counts[0] for counts in row["found"].values())


def least(rows: list[Found], *, repaired: bool) -> Found | None:
    """Of the strengths that hide every copy, the one of least cost; None if there is none."""
    return min(
        (row for row in rows if row["repaired"] == repaired and hidden(row)), key=lambda r: r["cost"][0], default=None
    )


def _least(attacks: list[Found]) -> list[str]:
    rows = []
    for attack in attacks:
        cells: list[str] = []
        for repaired in (False, True):
            of_kind = [row for row in attack["rows"] if row["repaired"] == repaired]
            row = least(of_kind, repaired=repaired)
            if row is not None:
                alike = f", {row['alike']} of {row['pairs']} more alike" if row["alike"] else ""
                cells.append(f"**{row['cost'][0]:.3f}** at {row['strength']}{alike}")
            elif of_kind:
                cells.append(f"none up to {max(row['cost'][0] for row in of_kind):.3f}")
            else:
                cells.append("")
        rows.append([attack["title"], attack["unit"], *cells])
    return table("ll", ["attack", "strength is", "at once", "after a repair"], rows)


def _attack(attack: Found, tests: list[str]) -> list[str]:
    rows = []
    for row in attack["rows"]:
        counts = [_counts(row["found"].get(test), row["pairs"]) for test in tests]
        middle, low, high = row["cost"]
        rows.append(
            [
                f"{row['strength']}, repaired" if row["repaired"] else row["strength"],
                f"{middle:.3f} [{low:.3f}, {high:.3f}]",
                f"{row['trained']:g}",
                *counts,
                bold(f"{row['related']} of {row['pairs']}", row["related"] > 0),
                str(row["alike"]),
                "n/a" if row["spreads"] is None else f"{row['spreads']:.2f}",
            ]
        )
    head = [attack["unit"], "cost", "training", *tests, "related", "alike", "spreads"]
    return table("lr", head, rows)


def _counts(counts: list[int] | None, pairs: int) -> str:
    if counts is None:
        return "n/a"
    of = "" if counts[2] == pairs else f" of {counts[2]}"
    return f"{counts[0]} ({counts[1]}){of}"


def _controls(controls: Found, levels: list[float]) -> list[str]:
    rows = [
        [test, of, at_low, f"{at_low / of:.4f}", at_high, f"{at_high / of:.4f}"]
        for test, (at_low, at_high, of) in controls["found"].items()
    ]
    rows.append(
        ["RELATED", controls["models"], controls["related"], f"{controls['related'] / controls['models']:.4f}"]
    )
    rows[-1] += ["", ""]
    low, high = (f"{level:g}" for level in levels)
    return table("lr", ["", "models", f"found at {low}", "share", f"found at {high}", "share"], rows)
