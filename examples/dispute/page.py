"""``README.md`` of this folder, from ``results.json`` and ``README.md.jinja``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

TEMPLATE = Path(__file__).parent / "README.md.jinja"
FIRST = 0.05
"""The share of pairs that the page calls the first."""


def page(results: dict[str, Any]) -> str:
    """The Markdown page."""
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        "f": lambda x: f"{x:.3f}",
        "pct": percent,
        "p": short,
        "log": log10_p,
        "plain": plain,
        "odds": lambda found: f"{found['rank']}/{found['size']} = {p_of(found)}",
    }
    cases = {case["name"]: case for case in results["reenactment"]["cases"]}
    child = cases.pop(results["reenactment"]["child"])
    scores = [stranger["r"] for stranger in cases.values()]
    recipes = [population["rank"] for population in results["base_rate"]["opus"]]
    more = {
        "opus_p": [rank["rank"] / rank["size"] for rank in recipes],
        "child": child,
        "strangers": scores,
        "first": sum(case["raw"]["rank"] <= FIRST * case["raw"]["size"] for case in cases.values()),
        "reading": _reading(child["r"], scores, results["claimed"]),
    }
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(results | more)


def percent(x: float) -> str:
    """A share in hundredths, to one decimal."""
    return f"{100 * x:.1f}%"


def short(p: float) -> str:
    """A p-value to two digits."""
    return f"{p:.2g}"


def p_of(found: dict[str, int]) -> str:
    """The p-value of a rank."""
    return short(found["rank"] / found["size"])


def log10_p(x: float | None) -> str:
    """To one decimal, never with a minus before zero; None: does not apply."""
    return "n/a" if x is None else f"{round(x, 1) + 0.0:.1f}"


def plain(name: str) -> str:
    """A stack's name without its tensors' prefix."""
    model, _, prefix = name.partition("|")
    part = next(
        (label for key, label in (("text", " (text)"), ("vision", " (image)")) if f"{key}_model" in prefix), ""
    )
    return f"`{model}`{part}"


def _reading(child: float, strangers: list[float], claimed: float) -> str:
    """What the re-enactment says of the disputed statistic."""
    above, reach = (sum(value >= least for value in strangers) for least in (child, claimed))
    order = f"{above} of the strangers score at least as high" if above else "It puts the child above these strangers"
    does = "does" if child >= claimed else "does not"
    return f"{order}; {reach or 'none'} of them reach {claimed}, and the child {does}."
