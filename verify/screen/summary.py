"""The record of a screen as one page of Markdown."""

from __future__ import annotations

from collections import Counter

from ..render.escape import markdown_name, markdown_text
from ..render.numbers import log10, share
from .record import Edge, ScreenRecord

_MOST_EDGES = 100  # on the page; all are in the table of pairs


def summary(record: ScreenRecord, table: str) -> str:
    """What was found, how to read it, and what was left out; ``table`` is the file of the pairs."""
    what = f"each with {markdown_name(record.against)}" if record.against else "every two with one another"
    edges = [edge for family in record.families for edge in family.edges]
    lines = [
        f"# Screen of {len(record.models)} models",
        "",
        f"{record.pairs} pairs ({what}): {_count(len(edges), 'pair')} found dependent or identical, in "
        f"{_count(len(record.families), 'family', 'families')}; {len(record.suspected)} more suspected. "
        f"Levels: {record.alpha:g} family-wise, {record.fdr:g} of false discoveries. "
        f"{_count(record.first_stage.passed, 'pair')} passed the first stage; all are in {markdown_name(table)}.",
    ]
    if edges:
        lines += ["", "## Kinds", "", "| pairs | what is kept |", "|---:|---|"]
        kinds = Counter(edge.kind.split(";")[0] for edge in edges)
        lines += [f"| {n} | {markdown_text(words)} |" for words, n in sorted(kinds.items(), key=lambda x: (-x[1], x))]
    left = _MOST_EDGES
    for family in record.families:
        if left <= 0:
            break
        lines += ["", f"## {markdown_name(family.name)}", "", ", ".join(map(markdown_name, family.members)), ""]
        lines += _edges(family.edges[:left])
        left -= len(family.edges)
    if len(edges) > _MOST_EDGES:
        lines += ["", f"Further pairs and families are in `families.json`; the first {_MOST_EDGES} pairs are shown."]
    if record.suspected:
        lines += ["", "## Suspected", "", *_edges(record.suspected[:_MOST_EDGES])]
    lines += ["", "## How to read this", "", *(f"- {markdown_text(sentence)}" for sentence in record.statements)]
    lines += ["", "## First stage", "", f"Level of each statistic: {record.first_stage.level:.2g}.", ""]
    lines += ["| statistic | indices | groups | s |", "|---|---:|---:|---:|"]
    power = record.first_stage.power
    lines += [f"| {p.statistic} | {p.indices} | {p.groups or '–'} | {share(p.share)} |" for p in power]
    if record.untestable:
        lines += ["", "## Untestable", "", "| pairs | because |", "|---:|---|"]
        lines += [f"| {u.pairs} | {markdown_text(u.reason)} |" for u in record.untestable]
    if record.left_out:
        lines += ["", "## Left out", ""]
        lines += [f"- {markdown_name(m.name)}: {markdown_text(m.reason)}" for m in record.left_out]
    return "\n".join(lines) + "\n"


def _edges(edges: tuple[Edge, ...]) -> list[str]:
    return ["| A | B | log10 p, adjusted | kind |", "|---|---|---:|---|", *map(_edge, edges)]


def _edge(e: Edge) -> str:
    return f"| {markdown_name(e.a)} | {markdown_name(e.b)} | {log10(e.adjusted_log10_p)} | {markdown_text(e.kind)} |"


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"
