"""Markdown pages, each a function of what its benchmark measured and wrote as JSON (or CSV) into ``tables/``.

Nothing here measures, and nothing reads a page: ``python -m benchmarks.pages`` writes all of them, and the tables of
``README.md``, from the results that are there.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import results

from .adapter_changes import adapter_changes
from .adapters_alone import adapters_alone
from .amounts import amounts
from .architectures import architectures
from .beyond import beyond
from .cost import cost, readme
from .cost_curves import cost_curves
from .efforts import efforts
from .evasion import evasion
from .family_trees import family_trees
from .faults import faults
from .forgery import forgery
from .formats import formats
from .forward_passes import forward_passes
from .fuzz import fuzz
from .gptq import gptq
from .hiding import hiding
from .libraries import libraries
from .many_cost import many_cost
from .markdown import between
from .middle import middle
from .offsets import offsets
from .peers import model_tracing, peers, readme_peers
from .power import power
from .query_key import query_key
from .screen import screen
from .screen_growth import screen_growth
from .shares import shares
from .size import size
from .small_pair import readme_small_pair, small_pair
from .speed import exact_tests, kernels, panel_cost, spread_pass
from .truth import truth
from .twins import twins
from .twins_cost import twins_cost
from .unused_tokens import unused_tokens

README = Path(__file__).parents[2] / "README.md"
PAGES: dict[str, Callable[[Any], str]] = {
    page.__name__: page
    for page in (
        adapter_changes,
        adapters_alone,
        amounts,
        architectures,
        beyond,
        cost,
        cost_curves,
        efforts,
        evasion,
        exact_tests,
        forgery,
        family_trees,
        faults,
        formats,
        forward_passes,
        fuzz,
        gptq,
        hiding,
        kernels,
        libraries,
        many_cost,
        middle,
        model_tracing,
        offsets,
        panel_cost,
        peers,
        power,
        query_key,
        screen,
        screen_growth,
        shares,
        size,
        small_pair,
        spread_pass,
        truth,
        twins,
        twins_cost,
        unused_tokens,
    )
}


TABLES: dict[str, Callable[[Any], list[str]]] = {
    "cost": readme,
    "peers": readme_peers,
    "small_pair": readme_small_pair,
}
"""Tables of ``README.md``, by the results that they are made from and the mark that they stand at."""


def publish(name: str, content: Any) -> None:
    """Write what was measured, and the page made from it."""
    results.write(name, content)
    write([name])


def generated(names: list[str] | None = None) -> dict[Path, str]:
    """Text of every page (or of those named), and of ``README.md`` with its tables, from the results."""
    wanted = list(PAGES) if names is None else names
    texts = {results.TABLES / f"{name}.md": PAGES[name](results.read(name)) for name in wanted}
    for name in TABLES.keys() & set(wanted):
        before = texts.get(README) or README.read_text("utf-8")
        texts[README] = between(before, name, TABLES[name](results.read(name)))
    return texts


def stale() -> list[str]:
    """Names of pages that differ from what the results give, and of files that belong to no page."""
    texts = generated()
    changed = [path.name for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
    return changed + [path.name for path in results.TABLES.iterdir() if path.stem not in PAGES]


def write(names: list[str] | None = None) -> None:
    """Write the pages."""
    for path, text in generated(names).items():
        path.write_text(text, "utf-8")
