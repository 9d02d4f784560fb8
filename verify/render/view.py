"""What a claim report says, in the order of a forensic report: the one view that every format is rendered from.

Every number comes from the record. log10 p-values are rounded to two decimals above -100, and to whole numbers
below; shares, scores and bounds to three decimals; levels are as given. Other numbers count what the record lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..claim.conclude import pairs_searched
from ..claim.parts import share as share_of
from ..claim.wording import verbal_cap
from ..panel import ALL_PAIRS, unlike
from .escape import Code, Inline, Number
from .numbers import count, general, log10, share

if TYPE_CHECKING:
    from ..claim import ClaimReport
    from ..claim.report import Subject
    from ..fingerprint import PartRecord
    from ..panel import PanelUse
    from ..statistics import TestResult


@dataclass(frozen=True)
class Heading:
    """Of part of a section."""

    text: Inline
    kind: str = "heading"


@dataclass(frozen=True)
class Paragraph:
    """One or more sentences."""

    text: Inline
    kind: str = "paragraph"


@dataclass(frozen=True)
class Items:
    """A list, numbered where ``ordered``."""

    items: tuple[Inline, ...]
    ordered: bool = False
    kind: str = "items"


@dataclass(frozen=True)
class Table:
    """Cells with the headers of their columns; those of numbers are right-aligned."""

    caption: Inline
    columns: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[Inline, ...], ...]
    kind: str = "table"


@dataclass(frozen=True)
class Picture:
    """The place of a figure, with a text that states its numbers."""

    name: str
    title: str
    alt: str
    kind: str = "picture"


Block = Heading | Paragraph | Items | Table | Picture


@dataclass(frozen=True)
class Section:
    """A titled part of the page."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class View:
    """The whole page."""

    title: str
    finding: str
    summary: Table
    sections: tuple[Section, ...]
    digest: str

    @property
    def short(self) -> str:
        """The digest's beginning, for the foot of every page."""
        return self.digest[:23]


def view(report: ClaimReport) -> View:
    """The page of a report."""
    from .report_figures import figures

    pictures = {figure.name: Picture(figure.name, figure.title, figure.alt) for figure in figures(report).values()}
    tests = list(report.tests.values())
    exact = [test for test in tests if test.method != "panel" and test.applicable]
    ranked = [test for test in tests if test.method == "panel"]
    sections: dict[str, list[Block]] = {
        "Versions and data": _data(report),
        "Both propositions": [
            Items((("Null: ", report.hypotheses.null), ("Alternative: ", report.hypotheses.alternative)))
        ],
        "Findings": _findings(report),
        "Components": [
            *_exact(exact),
            *_further(report),
            *_refused(report, tests),
            *(
                _panel(report.panel, pairs_searched(report.selection), ranked, pictures)
                if report.panel and ranked
                else []
            ),
            *_where(report, pictures),
        ],
        "Model checks": _checks(report, tests, pictures),
        "Conservative value": _conservative(report),
        "What this does not show": [Items(report.limitations)],
        "How to check it": _check(report, bool(exact), bool(ranked)),
        "References": [Items(_references(report, bool(ranked)))],
    }
    shown = {title: [b for b in blocks if not isinstance(b, Table) or b.rows] for title, blocks in sections.items()}
    return View(
        title="Lineage claim report",
        finding=report.finding,
        summary=_summary(report),
        sections=tuple(Section(title, tuple(blocks)) for title, blocks in shown.items()),
        digest=report.digest,
    )


def _table(caption: Inline, columns: Sequence[str], rows: Iterable[tuple[Inline, ...]]) -> Table:
    kept = tuple(rows)
    numbers = tuple(all(isinstance(row[i], Number) for row in kept) for i in range(len(columns)))
    return Table(caption, tuple(columns), numbers, kept)


def _listed(names: Iterable[str]) -> tuple[str, ...]:
    """Names with commas between."""
    parts = [part for name in names for part in (", ", Code(name))]
    return tuple(parts[1:])


_DECLARED = {
    "declared_confirmed": "declared and confirmed",
    "declared_not_confirmed": "declared and not confirmed",
    "undeclared_found": "undeclared and found",
    "nothing": "nothing declared and nothing found",
}


def _summary(report: ClaimReport) -> Table:
    rows: list[tuple[Inline, Inline]] = [
        ("A, questioned", Code(report.a.name)),
        ("B, reference", Code(report.b.name)),
        ("verdict", Code(report.verdict)),
        *([("said of", _said_of(report))] if report.parts else []),
        ("log10 p, exact tests", (log10(report.log10_p), ", level ", general(report.alpha))),
    ]
    if report.panel:
        if report.panel_log10_p is None:
            rows.append(("panel", "no verdict"))
        else:
            match = report.panel.false_match
            rows += [
                ("chance of a false match, at most", share(match.bound if match else None)),
                ("log10 p, panel", (log10(report.panel_log10_p), ", level ", general(report.panel_alpha))),
                ("log10 p, conservative", log10(report.robust_log10_p)),
            ]
    rows.append(("declared lineage", _DECLARED[report.declared.status]))
    rows += [("digest", Code(report.digest)), ("made", report.created)]
    return Table("In short", ("field", "value"), (False, False), tuple(rows))


def _said_of(report: ClaimReport) -> Inline:
    """The parts that the verdict is of."""
    sides = (report.a, "A"), (report.b, "B")
    found: list[Inline] = []
    for subject, side in sides:
        part = next(one for one in subject.parts if one.name == subject.part)
        found.append((part.kind, " ", Code(part.name), " of ", side, " (", share(share_of(part, subject.parts)), ")"))
    return (*found[0], ", ", *found[1])


def _data(report: ClaimReport) -> list[Block]:
    sides, provenance, panel = {"A": report.a, "B": report.b}, report.provenance, report.panel
    subjects, shapes = sides.values(), [subject.architecture for subject in sides.values()]
    settings: list[Inline] = [
        ("Which existed first: ", report.chronology or "not stated", "."),
        ("How the pair came to be tested, as stated: ", report.selection.replace("_", " "), "."),
        (
            "Levels, fixed before anything was seen, as stated: ",
            general(report.alpha),
            " for the exact tests, ",
            general(report.panel_alpha),
            " for the primary panel test.",
        ),
        ("Sketch specification: version ", count(provenance.sketch.version), "; seed ", provenance.seed, "."),
        ("Software: ", ", ".join(f"{name} {version}" for name, version in provenance.software.items()), "."),
    ]
    if panel:
        origin = (Code(panel.name), " ", Code(panel.version), ", ", Code(panel.digest))
        tokens = ("; all scores are on one list of ", count(panel.anchors), " tokens.")
        members = _listed(member.name for member in panel.members)
        families = _listed(panel.families)
        settings += [
            ("Panel: ", *origin, *tokens),
            ("Families declared for A and B: ", *(families or ("none",)), "."),
            (
                "Texts they were trained on, as declared: ",
                *(("A ", Code(panel.corpus_a)) if panel.corpus_a else ("A not declared",)),
                *((", B ", Code(panel.corpus_b)) if panel.corpus_b else (", B not declared",)),
                ". Members of the stratum and the corpus of A: ",
                count(panel.like_a.both),
                ", of B: ",
                count(panel.like_b.both),
                ".",
            ),
            (
                count(len(panel.members)),
                " members are comparable with A and B",
                *((": ", *members) if members else ()),
                ".",
            ),
        ]
    return [
        _table(
            "What was compared",
            ("", "A, questioned", "B, reference"),
            (
                ("name", *(Code(s.name) for s in subjects)),
                (
                    "architecture",
                    *(
                        (Code(s.model_type or s.family), ", ", count(s.layers), " layers, width ", count(s.width))
                        for s in shapes
                    ),
                ),
                ("read", *(_read(s) for s in subjects)),
                *([("merged onto", *(_onto(s) for s in subjects))] if any(s.merged_onto for s in subjects) else []),
                ("bases that its makers declare", *(_listed(s.declared_bases) or "none found" for s in subjects)),
                ("content sha256", *(Code(s.content_sha256) for s in subjects)),
                ("tokenizer", *(_tokenizer(s) for s in subjects)),
                ("shared tokens known", *(_anchors(s) for s in subjects)),
                *(
                    [("weights beside, not read", *(_listed(s.not_read) or "none" for s in subjects))]
                    if any(s.not_read for s in subjects)
                    else []
                ),
            ),
        ),
        _table(
            "Files",
            ("model", "file", "bytes", "sha256"),
            (
                (side, Code(file.name), count(file.size), Code(file.sha256) if file.sha256 else "not read whole")
                for side, subject in sides.items()
                for file in subject.files
            ),
        ),
        Items(tuple(settings)),
    ]


def _read(subject: Subject) -> Inline:
    """How much of a model was read, and where."""
    whole = sum(file.size for file in subject.files)
    amount = (f"{subject.effort} effort: ", count(subject.bytes_read), " of ", count(whole), " bytes")
    if subject.origin is None:
        return amount
    return (*amount, " of ", Code("@".join(filter(None, (subject.origin, subject.revision)))))


def _tokenizer(subject: Subject) -> Inline:
    """The file that told a model's tokens."""
    none = "none found" if subject.pairing == "rows" else "not recorded"
    return none if subject.tokenizer is None else Code(subject.tokenizer)


def _anchors(subject: Subject) -> Inline:
    """The rows of the table of tokens that a model is compared on."""
    return (count(subject.anchors), " rows, by number") if subject.pairing == "rows" else count(subject.anchors)


def _onto(subject: Subject) -> Inline:
    """The base of an adapter."""
    return "a model of its own" if subject.merged_onto is None else ("this adapter onto ", Code(subject.merged_onto))


def _findings(report: ClaimReport) -> list[Block]:
    values = (
        ("Exact tests", report.log10_p, report.alpha),
        ("Primary panel test", report.panel_log10_p, report.panel_alpha),
    )
    levels = [
        (f"{name}: log10 p = ", log10(value), ", level ", general(level), ".")
        for name, value, level in values
        if value is not None
    ]
    return [
        Items(
            (
                ("Verdict: ", Code(report.verdict), "."),
                *levels,
                ("May be said: ", report.may_say),
                ("May not be said: ", report.may_not_say),
                ("Several tests: ", report.multiplicity),
                ("Declared: ", report.declared.sentence),
                *([("What would have been detected: ", report.power)] if report.power else []),
            )
        ),
        *_parts(report),
    ]


def _parts(report: ClaimReport) -> list[Block]:
    """Every part of both models, those compared side by side."""
    if not report.parts:
        return []
    of_a, of_b = ({part.name: part for part in subject.parts} for subject in (report.a, report.b))
    rows = [
        _part_row(
            (of_a.pop(one.a), of_b.pop(one.b)),
            (report.a.parts, report.b.parts),
            Code(one.verdict)
            if one.tests or one is report.parts[0] or one.verdict == "identical"
            else "not compared",
            one.adjusted_log10_p,
        )
        for one in report.parts
        if one.a in of_a and one.b in of_b
    ]
    rows += [_part_row((part, None), (report.a.parts, ()), "only in A", None) for part in of_a.values()]
    rows += [_part_row((None, part), ((), report.b.parts), "only in B", None) for part in of_b.values()]
    columns = ("part of A", "part of B", "numbers of A", "share of A", "numbers of B", "share of B", "verdict")
    blocks: list[Block] = [_table("Parts", (*columns, "log10 p, adjusted over parts"), rows)]
    if (equal := report.equal_tensors) is not None:
        blocks.append(
            Paragraph(
                (
                    "Tensors that no table understands and that are equal in both: ",
                    count(equal.tensors),
                    ", of ",
                    count(equal.numbers),
                    " numbers, the largest ",
                    *_listed(equal.names),
                    ".",
                )
            )
        )
    return blocks


def _part_row(
    pair: tuple[PartRecord | None, PartRecord | None],
    parts: tuple[Sequence[PartRecord], Sequence[PartRecord]],
    verdict: Inline,
    log10_p: float | None,
) -> tuple[Inline, ...]:
    names: list[Inline] = []
    amounts: list[Inline] = []
    for part, all_parts in zip(pair, parts, strict=True):
        names.append("–" if part is None else (part.kind, " ", Code(part.name)))
        amounts.append(Number("–") if part is None else count(part.numbers))
        amounts.append(Number("–") if part is None else share(share_of(part, all_parts)))
    return (*names, *amounts, verdict, log10(log10_p))


def _exact(tests: list[TestResult]) -> list[Block]:
    if not tests:
        return []
    rows: list[tuple[Inline, ...]] = []
    for test in tests:
        for c in test.counts:
            signs = c.law == "signs"
            rows.append(
                (
                    Code(test.id),
                    ("agreeing signs" if signs else "same index") + (f", {c.part}" if c.part else ""),
                    count(c.count),
                    count(c.n),
                    general(c.n / 2) if signs else count(c.groups),
                    log10(c.log10_p),
                    log10(test.adjusted_log10_p),
                    log10(test.attainable_log10_p),
                )
            )
    columns = (
        "test",
        "what was counted",
        "count",
        "of",
        "mean by chance, at most",
        "log10 p",
        "adjusted",
        "smallest possible",
    )
    blocks: list[Block] = [
        Heading("Exact tests"),
        _table("Counts of the exact tests", columns, rows),
        Paragraph("A test that counts twice pays for it: its p-value is twice the smaller one."),
    ]
    for test in tests:
        blocks += [
            Paragraph((Code(test.id), ": ", test.title, ".")),
            Items((*_premises(test), *_effect(test))),
        ]
    return blocks


def _further(report: ClaimReport) -> list[Block]:
    """The counts behind the verdicts on further parts."""
    rows = [
        (
            Code(part.a),
            Code(part.b),
            Code(test.id),
            "agreeing signs" if c.law == "signs" else "same index",
            count(c.count),
            count(c.n),
            log10(c.log10_p),
        )
        for part in report.parts
        for test in part.tests.values()
        for c in test.counts
    ]
    columns = ("part of A", "part of B", "test", "what was counted", "count", "of", "log10 p")
    return [Heading("Exact tests of further parts"), _table("Their counts", columns, rows)] if rows else []


def _premises(test: TestResult) -> list[Inline]:
    return [("Null hypothesis: ", test.null), *(("Assumption: ", sentence) for sentence in test.assumptions)]


def _effect(test: TestResult) -> list[Inline]:
    effect = test.effect
    if effect is None:
        return []
    signs = all(c.law == "signs" for c in test.counts)
    among = "of the signs compared" if signs else "of the indices kept, each compared with those kept of its block"
    parts: list[str] = ["Effect: ", share(effect.share), f" {among}"]
    if effect.cosine_identified is not None and effect.cosine_background is not None:
        parts += [
            "; median score of those at the same index ",
            share(effect.cosine_identified),
            ", of the best match elsewhere ",
            share(effect.cosine_background),
        ]
    return [(*parts, ".")]


def _refused(report: ClaimReport, tests: list[TestResult]) -> list[Block]:
    refused: list[Inline] = [
        (Code(test.id), ": ", test.reason or "no reason given", ".") for test in tests if not test.applicable
    ]
    if not refused or report.verdict == "identical":
        return []
    return [Heading("Tests that do not apply"), Items(tuple(refused))]


def _panel(use: PanelUse, n_searched: int, ranked: list[TestResult], pictures: dict[str, Picture]) -> list[Block]:
    primary, why_not = next((test for test in ranked if test.id == use.primary), None), unlike(use, n_searched)
    blocks: list[Block] = [
        Heading("Against the panel"),
        Paragraph(
            (
                Code(use.primary),
                ", by the larger of its ranks among all pairs with and without each model's own level, over the "
                "number of pairs of the stratum and the declared corpus of A and of B, was fixed in advance as the "
                "only panel test that may enter the verdict (level ",
                general(use.alpha),
                ").",
                *((" It does not here: ", why_not, ".") if why_not else ()),
            )
        ),
        _table(
            "Panel statistics, each by that rank",
            ("statistic", "score of A and B", "rank", "of", "of their own kind", "log10 p", "smallest possible"),
            (
                (
                    Code(test.id),
                    share(test.score),
                    count(whole.rank),
                    count(whole.size),
                    count(own.size),
                    log10(own.log10_p),
                    log10(own.attainable_log10_p),
                )
                for test in ranked
                for whole in test.rungs
                if whole.design == ALL_PAIRS
                for own in test.rungs
                if own.design == use.primary_rung
            ),
        ),
    ]
    if primary is None:
        return blocks
    return [
        *blocks,
        *_shown(pictures, "null"),
        _table(
            ("The ladder of ", Code(primary.id), ": the same score by other designs"),
            ("design", "rank", "of", "log10 p", "smallest possible"),
            (
                (
                    rung.design.replace("_", " ") + (" (primary)" if rung.design == use.primary_rung else ""),
                    count(rung.rank),
                    count(rung.size),
                    log10(rung.log10_p),
                    log10(rung.attainable_log10_p),
                )
                for rung in primary.rungs
            ),
        ),
        *_shown(pictures, "ladder"),
        Items(
            (
                *(
                    ("Null hypothesis of ", rung.design.replace("_", " "), ": ", rung.null)
                    for rung in primary.rungs
                    if not rung.design.endswith(("_residual", "_larger"))
                ),
                "The residual rungs ask the same after each model's own level, its tendency to resemble all others, "
                "is taken out; the larger of the two ranks is valid if either null hypothesis holds.",
                *(("Assumption: ", sentence) for sentence in primary.assumptions),
            )
        ),
        *_shown(pictures, "panel"),
    ]


def _where(report: ClaimReport, pictures: dict[str, Picture]) -> list[Block]:
    located = report.tests.get("unit_identity")
    primary = report.tests.get(report.panel.primary) if report.panel else None
    blocks: list[Block] = []
    if located and located.by_layer:
        if report.verdict != "dependent":
            blocks.append(
                Paragraph(
                    "Layers are paired by resemblance, which between strangers is arbitrary; the counts are what "
                    "chance gives."
                )
            )
        blocks += [
            _table(
                ("Units at the same index, by pair of layers (", Code(located.id), ")"),
                (
                    "layer of A",
                    "layer of B",
                    "count",
                    "of",
                    "mean by chance, at most",
                    "log10 p",
                    "adjusted over layers",
                ),
                (
                    (
                        *map(count, (row.layer_a, row.layer_b, row.count, row.n, row.groups)),
                        log10(row.log10_p),
                        log10(row.adjusted_log10_p),
                    )
                    for row in located.by_layer
                ),
            ),
            *_shown(pictures, "layers"),
        ]
    if primary and primary.by_cell:
        blocks.append(
            _table(
                ("Layers that agree (", Code(primary.id), "), family-wise over the whole grid of layers"),
                ("layer of A", "layer of B", "share of units that agree", "log10 p"),
                (
                    (count(cell.layer_a), count(cell.layer_b), share(cell.share), log10(cell.log10_p))
                    for cell in primary.by_cell
                ),
            )
        )
    blocks += _shown(pictures, "map")
    return [Heading("Where"), *blocks] if blocks else []


def _checks(report: ClaimReport, tests: list[TestResult], pictures: dict[str, Picture]) -> list[Block]:
    sides = (report.a, report.b)
    blocks: list[Block] = [
        _table(
            "What could not be compared",
            ("", "A", "B"),
            (
                ("dead or non-finite rows, which cannot match", *(count(sum(d.rows for d in s.dead)) for s in sides)),
                ("numbers that are not finite", *(count(s.non_finite) for s in sides)),
                ("tensors understood but not compared", *(count(len(s.outside)) for s in sides)),
                ("tensors not understood", *(count(_strange(s)) for s in sides)),
            ),
        )
    ]
    found: list[Inline] = [(Code(side.name), ": ", note) for side in sides for note in side.notes]
    blocks += [Paragraph("Found otherwise than declared:"), Items(tuple(found))] if found else []
    notes: list[Inline] = [(Code(test.id), ": ", note) for test in tests for note in test.notes]
    blocks.append(
        Items(tuple(notes)) if notes else Paragraph("No groups were found tied or left out in the tests that apply.")
    )
    use = report.panel
    if use is None:
        return blocks
    if use.audit:
        blocks += [
            _table(
                (
                    "Audit of the panel (",
                    count(use.audit.members),
                    " members, ",
                    count(use.audit.pairs_within_strata),
                    " pairs inside strata): share of unrelated pairs called extreme",
                ),
                ("level", "inside strata", "p of the excess", "worst family", "its share"),
                (
                    (
                        general(size.level),
                        share(size.within_strata),
                        share(size.excess_p),
                        "–" if size.worst_family is None else Code(size.worst_family),
                        share(size.worst_family_share),
                    )
                    for size in use.audit.sizes
                ),
            ),
            *_shown(pictures, "audit"),
        ]
    if use.dropped:
        blocks.append(
            _table(
                "Members of the panel left out, never because of a score",
                ("member", "reason"),
                ((Code(out.name), out.reason) for out in use.dropped),
            )
        )
    return blocks


def _strange(subject: Subject) -> int:
    """Tensors that no table understands, in any part."""
    if subject.parts:
        return sum(part.tensors for part in subject.parts if not part.family)
    return len(subject.unrecognised)


def _conservative(report: ClaimReport) -> list[Block]:
    use, items = report.panel, list[Inline]()
    if report.robust_log10_p is not None:
        items.append(
            (
                "log10 p = ",
                log10(report.robust_log10_p),
                ", the larger of the exact (",
                log10(report.log10_p),
                ") and the panel value (",
                log10(report.panel_log10_p),
                "): valid if either set of assumptions holds.",
            )
        )
    else:
        items.append(("There is none: it needs both an exact and a panel p-value, and is the larger of the two.",))
    if use and use.false_match:
        match = use.false_match
        items.append(
            (
                "Guaranteed bound: ",
                count(match.exceedances),
                " of ",
                count(match.pairs),
                " disjoint pairs of members reach the score of A and B, so unrelated models drawn like the members "
                "reach it with a probability of at most ",
                share(match.bound),
                " (95% confidence). Words this supports at most: ",
                verbal_cap(match.bound),
                ".",
            )
        )
    if use and use.critical_odds_ratio is not None:
        gamma = use.critical_odds_ratio
        items.append(
            (
                "Sensitivity: Gamma* = ",
                share(gamma),
                "; the panel result ",
                "holds unless unrelated pairs such as this had that many times the odds of others of being picked."
                if gamma > 1
                else "does not reach the level.",
            )
        )
    return [Items(tuple(items))]


def _check(report: ClaimReport, exact: bool, ranked: bool) -> list[Block]:
    laws: list[str] = []
    if exact:
        laws.append(
            "Each p-value of an exact test follows from its count alone: same index, P(F ≥ k) ≤ L^(k−L) L!/k! for k "
            "of L independent groups (the column \u201cby chance\u201d); signs, the binomial tail at one half."
        )
    if ranked:
        laws.append("Each panel p-value is the rank over the size of the orbit, from the scores in the record.")
    if not laws:
        laws.append("The content digests above follow from the weights alone.")
    return [
        Items(
            (
                (
                    "The digest of this report is ",
                    Code(report.digest),
                    ": sha256 over the RFC 8785 canonical JSON of ",
                    Code("report.json"),
                    " without the keys ",
                    Code("digest"),
                    " and ",
                    Code("citation"),
                    ".",
                ),
                *laws,
                (
                    "With the same weights, ",
                    Code("verify lineage A B"),
                    " repeats everything; the sketch is fixed by its specification.",
                ),
                "This page is made from the record alone; log10 p-values are shown to two decimals, or whole beyond "
                "two digits, and shares, scores and bounds to three. The record has them in full.",
            ),
            ordered=True,
        ),
        Paragraph(("Made ", report.created, ". This page carries no signature.")),
    ]


def _references(report: ClaimReport, ranked: bool) -> tuple[Inline, ...]:
    found = [
        "S. Zhu, A. Ahmed, R. Kuditipudi, P. Liang. Independence Tests for Language Models. ICML 2025, "
        "arXiv 2502.12292.",
        "S. Holm. A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6, "
        "1979.",
    ]
    if ranked:
        found += [
            "R. M. Warner, D. A. Kenny, M. Stoto. A new round robin analysis of variance for social interaction "
            "data. Journal of Personality and Social Psychology 37, 1979 (the two-way residual).",
            "P. R. Rosenbaum. Observational Studies. Springer, 2002 (sensitivity).",
            "C. J. Clopper, E. S. Pearson. The use of confidence or fiducial limits illustrated in the case of the "
            "binomial. Biometrika 26, 1934 (the guaranteed bound).",
            "European Network of Forensic Science Institutes. Guideline for evaluative reporting in forensic "
            "science, 2015 (the words).",
        ]
    if report.citation:
        found.append(f"To cite this report: {report.citation.text}")
    return tuple(found)


def _shown(pictures: dict[str, Picture], name: str) -> list[Block]:
    return [pictures[name]] if name in pictures else []
