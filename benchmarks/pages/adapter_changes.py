"""``adapter_changes.md``: adapters looked for in models that descend from their base."""

from __future__ import annotations

from typing import Any

from .markdown import page, table

_STATUSES = ("holds", "holds_at_weight", "in_part", "not_found", "abstained")


def adapter_changes(found: dict[str, Any]) -> str:
    """The page."""
    permuted = found["permuted"]
    columns = ("pairs", *_STATUSES)
    rows = [
        [
            row["relation"],
            row["kind"],
            *(row.get(key, 0) for key in columns),
            f"{row['least']:.3f} to {row['most']:.3f}",
            f"{row['best']:.3f}",
            f"{row['equal']:.3f}",
        ]
        for row in found["rows"]
    ]
    return page(
        "# The change of an adapter in a model",
        f"{found['adapters']} adapters of one small Llama in bfloat16, trained by PEFT, those of one seed looked for "
        f"in models ({found['models']} in all): merged by PEFT in three types, averaged with the base, merged with "
        "another, tuned after merging; strangers are other adapters merged onto the same base, and the base tuned in "
        "full. Agree: smallest and largest share, of the numbers that the adapter moves, that are as merging gives "
        "them, at weight 1; best: the share in the module that agrees most, at weight 1 or the weight that fits it "
        "best; to the bit: how many of those that agree are equal. A model holds the change if at least 0.99 agree. "
        "None of this has an error rate. `python -m benchmarks.adapter_changes`.",
        table(
            "llrrrrrrlrr",
            ["relation", "kind", *(key.replace("_", " ") for key in columns), "agree", "best", "to the bit"],
            rows,
        ),
        "Why no permutation of units gives a p-value: of "
        f"{permuted['modules']} modules of LoRAs of other seeds on one text, the changes of {permuted['small']} "
        f"correlate so much more than after permuting the rows of one that p is at most {permuted['level']} "
        f"({permuted['permutations']} permutations): strangers share the base and the text, and so the rows that "
        "move.",
    )
