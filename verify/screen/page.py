"""The record of a screen as one HTML page that loads nothing: trees of families, then tables that can be sorted.

The only script sorts tables. The page's policy allows that script alone, by its hash; without it the page says the
same in the order in which it was written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..render.drawing import Drawing
from ..render.family_tree import Row, family_tree
from ..render.html import page as rendered
from ..render.kinds import Code, Inline, Number
from ..render.numbers import count, log10, share
from ..render.page import Block, Heading, Items, Paragraph, Section, filled, table
from ..render.sorting import policy, script
from ..render.svg import inline
from ..wording.forms import percent
from .answer import alone, answer, by_size, compared_with_none, counted, found_of, partners, untold_of
from .declarations import Declaration, declarations, not_declared
from .families import copies
from .kinds import named
from .record import Edge, Family, ScreenRecord
from .tree import Branch, nearest, tree

_MOST_DRAWN = 300  # models of a tree
_FOLDED = 25  # models of a tree from which it is folded
_MOST_ROWS = 1000  # of a table
_MOST_JOINTS = 20  # of a family
_MOST_OVERLAPPING = 20  # families that overlap, of one
_CLOSENESS = (
    "Closeness is what a model has kept of another beyond chance, from 0 to 1, on average over the exact tests that "
    "apply: the share of indices at their place, times the cosine of the units identified where there is one, or of "
    "signs that agree; layers that only one of them has count as not kept. It orders pairs and draws the trees; no "
    "verdict uses it."
)


@dataclass(frozen=True)
class InWords:
    """One row of a tree as an item of nested lists."""

    text: Inline
    deeper: bool
    """Whether a list begins before it."""
    ended: int
    """Lists that end before it."""


@dataclass(frozen=True)
class Shown:
    """A family on the page."""

    title: str
    name: str
    """Of its drawing."""
    drawing: Markup
    words: tuple[InWords, ...]
    depth: int
    """Of the last item."""
    notes: tuple[Inline, ...]
    folded: bool


def page(record: ScreenRecord, digest: str, files: Sequence[str] = ()) -> str:
    """The page.

    Parameters
    ----------
    record : the record of the screen.
    digest : of the result, which the page is of.
    files : names of the files beside the page.
    """
    stated = declarations(record)
    families = [_family(n, family, stated, record) for n, family in enumerate(by_size(record), start=1)]
    sections = [
        Section(title, kept) for title, blocks in _sections(record, digest, files) if (kept := filled(blocks))
    ]
    titles = [*(["Families"] if families else []), *(section.title for section in sections)]
    return rendered(
        "screen.html",
        titles,
        title=f"Screen of {counted(len(record.models), 'model')}",
        answer=answer(record),
        families=families,
        strangers=tuple(Code(name) for name in alone(record)[:_MOST_ROWS]),
        sections=sections,
        sortable=True,
        policy=policy(),
        script=script(),
    )


# ---- families


def trees(record: ScreenRecord) -> dict[str, Drawing]:
    """The trees of the families by name, the largest first."""
    stated = declarations(record)
    drawn = (_tree(n, family, stated) for n, family in enumerate(by_size(record), start=1))
    return {drawing.name: drawing for drawing in drawn}


def _tree(n: int, family: Family, stated: dict[tuple[str, str], Declaration]) -> Drawing:
    branches, only = nearest(tree(family), _MOST_DRAWN), [joint.models for joint in family.joints]
    return family_tree(
        f"family_{n}",
        f"Family {n}: {counted(len(family.members), 'model')}",
        f"A tree of {counted(len(branches), 'row')}, which the list below it gives in words.",
        [_row(branch, stated, only) for branch in branches],
    )


def _family(n: int, family: Family, stated: dict[tuple[str, str], Declaration], record: ScreenRecord) -> Shown:
    branches = nearest(tree(family), _MOST_DRAWN)
    only, drawing = [joint.models for joint in family.joints], _tree(n, family, stated)
    notes: list[Inline] = [found_of(family)] if record.against is None and found_of(family) else []
    notes += [_overlapping(family)] if family.overlapping else []
    notes += [untold] if (untold := untold_of(record, family)) else []
    notes += [_only(joint.models, joint.sides) for joint in family.joints[:_MOST_JOINTS]]
    if (more := len(family.joints) - _MOST_JOINTS) > 0:
        notes.append(f"{counted(more, 'more set')} of models that alone join their sides: families.json names them.")
    if (more := len(tree(family)) - len(branches)) > 0:
        notes.append(f"The tree shows the {_MOST_DRAWN} models nearest to its top; {more} more are in the tables.")
    return Shown(
        title=drawing.title,
        name=drawing.name,
        drawing=inline(drawing),
        words=tuple(_in_words(branches, stated, only)),
        depth=branches[-1].depth,
        notes=tuple(notes),
        folded=len(branches) >= _FOLDED,
    )


def _row(branch: Branch, stated: dict[tuple[str, str], Declaration], only: Sequence[tuple[str, ...]]) -> Row:
    edge = branch.edge
    words = [] if edge is None else [_kept(edge), "weak" if branch.weak else "", stated[edge.a, edge.b]]
    return Row(
        name=branch.names[0],
        mark=_mark(branch, only),
        depth=branch.depth,
        above=branch.above,
        words=" · ".join(filter(None, words)),
        dashed=branch.weak,
        role="warn" if edge is not None and stated[edge.a, edge.b] == "not declared" else "found",
    )


def _mark(branch: Branch, only: Sequence[tuple[str, ...]]) -> str:
    more = len(branch.names) - 1
    marks = [f"+ {counted(more, 'copy', 'copies')}" if more else "", "the only link" if branch.names in only else ""]
    said = ", ".join(filter(None, marks))
    return f" ({said})" if said else ""


def _kept(edge: Edge) -> str:
    return "" if edge.kept is None else f"{percent(edge.kept.share)} of {named(edge.kept.test)}"


def _in_words(
    branches: Sequence[Branch], stated: dict[tuple[str, str], Declaration], only: Sequence[tuple[str, ...]]
) -> list[InWords]:
    found = []
    depth = -1
    for branch in branches:
        parts: list[str] = [part for name in branch.names for part in (" = ", Code(name))][1:]
        if (edge := branch.edge) is not None:
            other = edge.b if edge.a in branch.names else edge.a
            what = [_kept(edge), f"closeness {share(edge.closeness)}", "weak" if branch.weak else ""]
            parts += [", joined to ", Code(other), ": ", ", ".join(filter(None, [*what, stated[edge.a, edge.b]]))]
        if branch.names in only:
            parts.append("; nothing else joins the models on its sides")
        found.append(InWords(tuple(parts), branch.depth > depth, max(0, depth - branch.depth)))
        depth = branch.depth
    return found


def _overlapping(family: Family) -> Inline:
    shown = family.overlapping[:_MOST_OVERLAPPING]
    parts = [part for n, one in enumerate(shown, start=1) for part in (f"; ({n}) {len(one)}: ", *_some(one))]
    more = len(family.overlapping) - len(shown)
    return (
        f"{len(family.overlapping)} families overlap here, of so many models each", *parts,
        f"; {more} more" if more > 0 else "",
        ". Two models that are in none of them together were not found related.",
    )  # fmt: skip


def _only(models: Sequence[str], sides: Sequence[Sequence[str]]) -> Inline:
    shown = [part for side in sides[:5] for part in ("; ", *_some(side))][1:]
    more = len(sides) - 5
    return (
        "Joined only through ", *_some(models), ": ", *shown, f"; {more} more sides" if more > 0 else "",
        ". No two models on different sides were found related themselves.",
    )  # fmt: skip


def _some(names: Sequence[str], most: int = 5) -> tuple[str, ...]:
    shown = [part for name in names[:most] for part in (", ", Code(name))][1:]
    more = len(names) - most
    return (*shown, f" and {more} more") if more > 0 else tuple(shown)


# ---- tables


def _sections(record: ScreenRecord, digest: str, files: Sequence[str]) -> list[tuple[str, list[Block]]]:
    return [
        ("Related, and not declared", _undeclared(record)),
        ("Exact copies", _copies(record)),
        ("No relative found", _alone(record)),
        ("Left out", _left_out(record)),
        ("Contradictory", _contradicted(record)),
        ("Suspected", _pairs("Suspected pairs", record.suspected, record)),
        ("Related, and declared", _pairs("Related pairs that are declared", _declared(record), record)),
        ("All models", _models(record)),
        ("Not comparable", _untestable(record)),
        ("How to read this", [Items((_CLOSENESS, *record.statements))]),
        ("First stage", _first_stage(record)),
        ("How to check it", _how_to_check(record, digest, files)),
    ]


def _undeclared(record: ScreenRecord) -> list[Block]:
    if not record.families:
        return []
    found = not_declared(record)
    if not found:
        return [Paragraph("Every related pair is declared, by itself or through other declared pairs.")]
    return [
        Paragraph(
            "In the files that were read, neither model names the other as its base, they name no base in common, "
            "and no chain of declared pairs joins them. That is no accusation: a declaration may stand elsewhere."
        ),
        *_pairs("Related pairs that are not declared", found, record),
    ]


def _pairs(caption: str, edges: Sequence[Edge], record: ScreenRecord) -> list[Block]:
    """A table of pairs."""
    stated = declarations(record)
    return [
        table(
            caption,
            ("A", "B", "verdict", "closeness", "most in common", "log10 p, adjusted", "declared"),
            (
                (
                    Code(edge.a),
                    Code(edge.b),
                    edge.verdict,
                    share(edge.closeness),
                    _kept(edge) or "–",
                    log10(edge.adjusted_log10_p),
                    stated[edge.a, edge.b],
                )
                for edge in edges[:_MOST_ROWS]
            ),
        ),
        *_further(len(edges), "pairs"),
    ]


def _declared(record: ScreenRecord) -> list[Edge]:
    stated = declarations(record)
    return [e for family in by_size(record) for e in family.edges if stated[e.a, e.b] != "not declared"]


def _copies(record: ScreenRecord) -> list[Block]:
    sets = [group for family in by_size(record) for group in copies(family)]
    rows = ((count(len(group)), _some(group, 100)) for group in sets[:_MOST_ROWS])
    return [
        table("Sets of models that hold the same weights", ("models", "names"), rows),
        *_further(len(sets), "sets"),
    ]


def _alone(record: ScreenRecord) -> list[Block]:
    never = set(compared_with_none(record))
    most = partners(record)
    models = [model for model in record.models if model.label in set(alone(record))]
    return [
        Paragraph("That none was found is no proof of independence; “How to read this” says what is not detected."),
        table(
            "Models of which no relative was found",
            ("model", "architecture", "layers", "width", "compared with"),
            (
                (
                    Code(model.label),
                    model.architecture,
                    count(model.layers),
                    count(model.width),
                    "none" if model.label in never else counted(most[model.label] - model.untestable, "model"),
                )
                for model in models[:_MOST_ROWS]
            ),
        ),
        *_further(len(models), "models"),
    ] if models else []  # fmt: skip


def _left_out(record: ScreenRecord) -> list[Block]:
    rows = ((Code(one.name), one.reason) for one in record.left_out[:_MOST_ROWS])
    return [table("Models that could not be read", ("model", "why"), rows), *_further(len(record.left_out), "models")]


def _contradicted(record: ScreenRecord) -> list[Block]:
    rows = ((Code(one.b), Code(one.a), one.reason) for one in record.contradictions[:_MOST_ROWS])
    title = "Models that state the same weights and hold different numbers"
    return [table(title, ("model", "and", "why"), rows), *_further(len(record.contradictions), "models")]


def _models(record: ScreenRecord) -> list[Block]:
    from .tables import of_models

    rows = of_models(record)
    return [
        table(
            "Models and their closest relatives",
            ("model", "family", "relatives", "closest", "closeness", "architecture"),
            (
                (
                    Code(row["model"]),
                    "–" if row["family"] is None else f"Family {row['family']}{_within(row['overlapping'])}",
                    count(row["relatives"]),
                    Code(row["closest"]) if row["closest"] else "–",
                    share(row["closeness"]),
                    row["architecture"],
                )
                for row in rows[:_MOST_ROWS]
            ),
        ),
        *_further(len(rows), "models"),
        *([Paragraph(said)] if (said := _signed(record)) is not None else []),
    ]


def _within(overlapping: str) -> str:
    return f" ({overlapping})" if overlapping else ""


def _signed(record: ScreenRecord) -> Inline | None:
    """Who stands for the fingerprints that were given; None if there are none."""
    found = Counter(model.signed.key or model.signed.status for model in record.models if model.signed is not None)
    if not found:
        return None
    words = {"not_checked": "with a signature that was not checked", "unsigned": "without a signature"}
    each = [
        part
        for what, n in sorted(found.items())
        for part in ("; ", count(n), " ", *((words[what],) if what in words else ("signed by the key ", Code(what))))
    ]
    return (
        "Of the models, ",
        count(found.total()),
        " were given as fingerprints, so that their numbers are of the models they name is as stated",
        *each,
        ".",
    )


def _untestable(record: ScreenRecord) -> list[Block]:
    rows = ((count(one.pairs), one.reason) for one in record.untestable)
    return [table("Pairs to which no exact test applies", ("pairs", "because"), rows)]


def _first_stage(record: ScreenRecord) -> list[Block]:
    stage = record.first_stage
    return [
        Paragraph(
            f"{counted(stage.tested, 'pair')} went through it, at level {stage.level:.2g} of each statistic; "
            f"{counted(stage.passed, 'pair')} passed, and were given all exact tests."
        ),
        table(
            "Power of each statistic",
            ("statistic", "indices", "groups", "s"),
            ((p.statistic, count(p.indices), count(p.groups) if p.groups else Number("–"), share(p.share))
             for p in stage.power),
        ),
    ]  # fmt: skip


def _how_to_check(record: ScreenRecord, digest: str, files: Sequence[str]) -> list[Block]:
    version = record.software.get("verify-lineage", "")
    beside = [part for name in files for part in (", ", Code(name))][1:]
    items: list[Inline] = [
        ("Install the version that made it: ", Code(f"pip install verify-lineage=={version}"), "."),
        "Run the same command on the same models: the same versions give the same bytes.",
        ("One pair in full, with everything that was looked at: ", Code("verify lineage A B -o report"), "."),
        ("The digest of the record and of the table of pairs is ", Code(digest), "."),
    ]
    if beside:
        items.append(("Beside this page: ", *beside, "."))
    return [Items(tuple(items), ordered=True), Heading("Software"), Items(tuple(_software(record)))]


def _software(record: ScreenRecord) -> list[Inline]:
    return [(f"{name}: ", Code(version)) for name, version in sorted(record.software.items())]


def _further(number: int, what: str) -> list[Block]:
    more = number - _MOST_ROWS
    return [Paragraph(f"And {more:,} more {what}, which are in the files beside this page.")] if more > 0 else []
