"""What the paper reports: the results of the benchmarks and of the dispute, as they are on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from benchmarks import results
from benchmarks.pages.size import Samples, samples
from examples.dispute.generate import read_results

from .build import HERE, PaperError

Found = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """Content of the JSON of each benchmark, by its name; ``size`` by architecture and test."""

    size: Samples
    truth: Found
    twins: Found
    power: Found
    panel_cost: Found
    cost: Found
    model_tracing: Found
    peers: Found
    screen: Found
    evasion: Found
    forgery: Found
    dispute: Found
    first_rule: Found
    """Rejections by the first panel test on models that are not kept: stated, and not measured anew."""


def read() -> Sources:
    """Read all.

    Raises
    ------
    PaperError
        If one is missing.
    """
    names = (
        "truth",
        "twins",
        "power",
        "panel_cost",
        "cost",
        "model_tracing",
        "peers",
        "screen",
        "evasion",
        "forgery",
    )
    try:
        found = {name: results.read(name) for name in names}
        first_rule = json.loads((HERE / "first_rule.json").read_text("utf-8"))
        size, dispute = samples(results.read("size")), read_results()
        return Sources(size=size, dispute=dispute, first_rule=first_rule, **found)
    except OSError as error:
        raise PaperError(f"Results are missing: {error}") from error


def one(rows: list[Found], **wanted: object) -> Found:
    """The one row with these values.

    Raises
    ------
    PaperError
        If there is none, or more than one.
    """
    found = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    if len(found) != 1:
        raise PaperError(f"{len(found)} rows of the results have {wanted}, and 1 was expected; adapt paper/ to them.")
    return found[0]
