"""What was compared: models, files, settings, and the panel."""

from __future__ import annotations

from ...claim import ClaimReport, Subject
from ..kinds import Code, Inline
from ..numbers import count, general
from ..page import Block, Items, listed, table


def data(report: ClaimReport) -> list[Block]:
    """Both models, their files, and how they were compared."""
    sides, provenance, panel = {"A": report.a, "B": report.b}, report.provenance, report.panel
    subjects, shapes = sides.values(), [subject.architecture for subject in sides.values()]
    settings: list[Inline] = [
        (
            "Levels, fixed before anything was seen, as stated: ",
            general(report.alpha),
            " for the exact tests",
            *((", ", general(report.panel_alpha), " for the primary panel test") if report.panel_alpha else ()),
            ".",
        ),
        ("Sketch version ", count(provenance.sketch.version), "."),
        ("Software: ", ", ".join(f"{name} {version}" for name, version in provenance.software.items()), "."),
    ]
    if panel:
        origin = (Code(panel.name), " ", Code(panel.version), ", ", Code(panel.digest))
        tokens = ("; all scores use the same ", count(panel.anchors), " anchor tokens.")
        members = listed(member.name for member in panel.members)
        families = listed(panel.families)
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
        table(
            "What was compared",
            ("", "A", "B"),
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
                *([("stored as", *(_stored(s) for s in subjects))] if any(s.stored_as for s in subjects) else []),
                ("content sha256", *(Code(s.content_sha256) for s in subjects)),
                ("tokenizer", *(_tokenizer(s) for s in subjects)),
                ("anchor tokens in the vocabulary", *(_anchors(s) for s in subjects)),
                ("tokens kept that no text contains", *(count(len(s.unused)) for s in subjects)),
                *(
                    [("weights beside, not read", *(listed(s.not_read) or "none" for s in subjects))]
                    if any(s.not_read for s in subjects)
                    else []
                ),
            ),
        ),
        table(
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
    """How much of a model was read, and from where."""
    whole = sum(file.size for file in subject.files)
    amount = (f"{subject.effort} effort: ", count(subject.bytes_read), " of ", count(whole), " bytes")
    if subject.origin is None:
        return amount
    return (*amount, " of ", Code("@".join(filter(None, (subject.origin, subject.revision)))))


def _stored(subject: Subject) -> Inline:
    """The types in which a model is stored."""
    return listed(subject.stored_as) or "floats, or not recorded"


def _tokenizer(subject: Subject) -> Inline:
    """The tokenizer file of a model."""
    none = "none found" if subject.pairing == "rows" else "not recorded"
    return none if subject.tokenizer is None else Code(subject.tokenizer)


def _anchors(subject: Subject) -> Inline:
    """The number of anchors of a model."""
    return (count(subject.anchors), " rows, by number") if subject.pairing == "rows" else count(subject.anchors)


def _onto(subject: Subject) -> Inline:
    """The base of an adapter."""
    return "a model of its own" if subject.merged_onto is None else ("this adapter onto ", Code(subject.merged_onto))
