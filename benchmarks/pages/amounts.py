"""``amounts.md``: how much tensors change by training of known length, by rounding, and at random."""

from __future__ import annotations

from typing import Any

from verify.wording.forms import amount

from .markdown import page, table


def amounts(found: dict[str, Any]) -> str:
    """The page."""
    parts = [*found["rows"][0]["parts"]]
    bases = list(dict.fromkeys(row["base"] for row in found["rows"]))
    return page(
        "# How much training changes",
        "Two small models that ship, trained on (`python -m benchmarks.amounts`): AdamW, warm-up and cosine, "
        f"batches of 12 texts, on a text ({found['text']}) that they had not seen. They themselves were trained for "
        f"{found['trained']} steps at {found['peak']:g}. Each number is the length of the difference of B's numbers "
        "from A's at the same places, as a share of the length of A's, at the median number of the part, as `verify "
        "derivation` gives it; in brackets the cosine. *Not in place*: the distance is no smaller than that from "
        "the nearest of numbers one row, one column, or both further, so that it says nothing of a change. *Units*: "
        "what `verify lineage` counts, the share of hidden units at their places, and their median cosine. Large "
        "models are trained at smaller rates, on more text: these rows order the amounts, and are no scale.",
        *(
            block
            for base in bases
            for block in (
                f"## {base}",
                table(
                    "l" + "r" * len(parts) + "rr",
                    ["made by", *parts, "units", "their cosine"],
                    [
                        [row["what"], *(_cell(row["parts"][part]) for part in parts), *_units(row["units"])]
                        for row in found["rows"]
                        if row["base"] == base
                    ],
                ),
            )
        ),
    )


def _cell(part: dict[str, Any]) -> str:
    if part["state"] != "changed":
        return str(part["state"])
    more = f"; {part['out']} tensor not in place" if part["out"] else ""
    return f"{amount(part['distance'])} ({part['cosine']:.4f}){more}"


def _units(units: dict[str, Any] | None) -> list[str]:
    if units is None:
        return ["–", "–"]
    return [f"{units['share']:.3f}", "–" if units["cosine"] is None else f"{units['cosine']:.4f}"]
