"""The record of a screen as one page of Markdown."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ..render.escape import markdown_name, markdown_text
from ..render.kinds import Code, Inline
from ..render.numbers import log10, share
from .answer import alone, answer, by_size, compared_with_none, counted, found_of, partners, untold_of
from .families import copies
from .record import Edge, Family, Joint, ScreenRecord

_MOST_EDGES = 100  # on the page; all are in the table of pairs
_MOST_NAMED = 1000  # models of a family, or without relatives, on the page; all are in families.json
_MOST_OF_A_SIDE = 5  # models named of each side of a joint
_MOST_SIDES = 20  # of a joint, on the page
_MOST_JOINING = 20  # models of a joint, on the page
_MOST_JOINTS = 20  # of a family, on the page
_MOST_OVERLAPPING = 20  # families that overlap, of one, on the page


def summary(record: ScreenRecord, table: str | None = None) -> str:
    """The summary page; ``table`` is the file of the pairs, if there is one."""
    what = f"each with {markdown_name(record.against)}" if record.against else "every two with one another"
    said, edges = answer(record), [edge for family in record.families for edge in family.edges]
    lines = [
        f"# Screen of {counted(len(record.models), 'model')}",
        "",
        f"**{said.word}.** {markdown_text(said.sentence)}",
        "",
        *(f"- *{label}*: {_inline(line)}" for label, line in said.lines),
        "",
        f"Compared: {what}. "
        f"Levels: {record.alpha:.12g} family-wise, {record.fdr:.12g} of false discoveries. "
        f"{counted(record.first_stage.passed, 'pair')} passed the first stage"
        + ("." if table is None else f"; all are in {markdown_name(table)}."),
    ]
    if edges:
        lines += ["", "## Kinds", "", "| pairs | what the tests found |", "|---:|---|"]
        kinds = Counter(_without_numbers(edge.kind) for edge in edges)
        lines += [f"| {n} | {markdown_text(words)} |" for words, n in sorted(kinds.items(), key=lambda x: (-x[1], x))]
    left = _MOST_EDGES
    for n, family in enumerate(by_size(record), start=1):
        lines += [
            "",
            f"## Family {n}: {counted(len(family.members), 'model')}",
            "",
            _named(family.members, _MOST_NAMED),
        ]
        if record.against is None and (said_of_pairs := found_of(family)):
            lines += ["", said_of_pairs]
        if family.overlapping:
            lines += ["", *_overlapping(family)]
            lines += ["", untold] if (untold := untold_of(record, family)) else []
        same = {frozenset(group) for group in copies(family)} if family.joints else set()
        for joint in family.joints[:_MOST_JOINTS]:
            lines += ["", _joint(joint, identical=frozenset(joint.models) in same)]
        if left > 0:
            lines += ["", *_edges(family.edges[:left])]
        left -= len(family.edges)
    if len(edges) > _MOST_EDGES:
        lines += ["", f"Further pairs are in `families.json`; the first {_MOST_EDGES} are shown."]
    if record.suspected:
        lines += ["", "## Suspected", "", *_edges(record.suspected[:_MOST_EDGES])]
    lines += _without_relatives(record)
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
    if record.contradictions:
        lines += ["", "## Contradictory", ""]
        lines += [f"- {markdown_name(one.b)}: {markdown_text(one.reason)}" for one in record.contradictions]
    return "\n".join(lines) + "\n"


def _without_relatives(record: ScreenRecord) -> list[str]:
    """Models of no related pair, and the number of models each could not be compared with."""
    most = partners(record)
    refused = {model.label: model.untestable for model in record.models}
    never = compared_with_none(record)
    compared = [name for name in alone(record) if name not in set(never)]
    lines = []
    if compared:
        lines += ["", "## Without relatives", "", f"No relative was found of {_named(compared, _MOST_NAMED)}."]
    if never:
        lines += [
            "",
            "## Compared with none",
            "",
            f"No exact test applies to any pair of {_named(never, _MOST_NAMED)}.",
        ]
    some = [name for name in refused if 0 < refused[name] < most[name]]
    if some:
        lines += ["", "Pairs to which no exact test applies:", ""]
        lines += [f"- {markdown_name(name)}: {refused[name]} of {most[name]}" for name in some[:_MOST_NAMED]]
    return lines


def _overlapping(family: Family) -> list[str]:
    """The families that overlap in one."""
    shown = family.overlapping[:_MOST_OVERLAPPING]
    more = len(family.overlapping) - len(shown)
    return [
        f"{len(family.overlapping)} families overlap in it; two models that are in none of them together were not "
        "found related.",
        "",
        *(f"{n}. {counted(len(one), 'model')}: {_named(one, _MOST_NAMED)}" for n, one in enumerate(shown, start=1)),
        *([f"\nAnd {more} more, which are in `families.json`."] if more > 0 else []),
    ]


def _joint(joint: Joint, *, identical: bool) -> str:
    """A sentence on the sides that only some models join."""
    sides = [_named(side, _MOST_OF_A_SIDE) for side in joint.sides[:_MOST_SIDES]]
    if any(len(side) > 1 for side in joint.sides):
        sides = [f"({side})" for side in sides]
    if (more := len(joint.sides) - _MOST_SIDES) > 0:
        sides.append(f"{more} more")
    names = [markdown_name(name) for name in joint.models[:_MOST_JOINING]]
    if (more := len(joint.models) - _MOST_JOINING) > 0:
        names.append(f"{more} more")
    which = "" if len(joint.models) == 1 else ", which are identical" if identical else ", all of them related"
    return (
        f"{_listed(sides)} are joined only through {_listed(names)}{which}: no two models on different sides were "
        "found dependent or identical themselves."
    )


def _inline(line: Inline) -> str:
    parts = (line,) if isinstance(line, str) else line
    return "".join(markdown_name(part) if isinstance(part, Code) else markdown_text(part) for part in parts)


def _named(names: Sequence[str], most: int) -> str:
    shown = [markdown_name(name) for name in names[:most]]
    return ", ".join(shown) if len(names) <= most else f"{', '.join(shown)} and {len(names) - most} more"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def _edges(edges: Iterable[Edge]) -> list[str]:
    return [
        "| A | B | log10 p, adjusted | what the tests found | declared |",
        "|---|---|---:|---|---|",
        *map(_edge, edges),
    ]


def _edge(e: Edge) -> str:
    named = "–" if e.declared is None else "yes" if e.declared else "no"
    names = f"{markdown_name(e.a)} | {markdown_name(e.b)}"
    return f"| {names} | {log10(e.adjusted_log10_p)} | {markdown_text(e.kind)} | {named} |"


def _without_numbers(kind: str) -> str:
    """A kind without numbers, by which pairs can be counted."""
    return re.sub(r" \([^()]*\)|; \d+ and \d+ layers$", "", kind)
