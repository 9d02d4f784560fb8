"""A report as an SPDX 3.0.1 document in JSON-LD: two AI packages, and what was found between them.

``descendantOf`` has a direction and a verdict has none: it is stated only if the one is declared to be made from the
other and the verdict confirms that they are related. Related models without such a declaration have a relationship of
type ``other``, which says so. Whatever else was found is an annotation: it is no relationship. The report is the
evidence (``hasEvidence``) of each.
"""

from __future__ import annotations

from typing import Any

from ...base import Phrase, canonical
from ...base.plain import plain
from ...claim import ClaimReport, Subject
from ...claim.declared import FOUND, descent
from ...claim.said_of_parts import of_the_models
from ..escape import NAME, SENTENCE
from .materials import file_sha256, hashed_files, moment, stated, urn, version_of

_INFO = "_:creation"


def spdx(report: ClaimReport) -> bytes:
    """The document, in canonical JSON: the same report gives the same bytes."""
    base = urn(report, "spdx")
    agents = [
        _element("Agent", base, f"author-{n}", name=plain(author, NAME))
        for n, author in enumerate(report.authors, start=1)
    ] or [_element("SoftwareAgent", base, "maker", name="verify-lineage")]
    tool = _element("Tool", base, "tool", name=f"verify-lineage {version_of(report)}")
    info = {
        "type": "CreationInfo",
        "@id": _INFO,
        "specVersion": "3.0.1",
        "created": moment(report),
        "createdBy": [agent["spdxId"] for agent in agents],
        "createdUsing": [tool["spdxId"]],
    }
    models = [*_package(base, "a", report.a), *_package(base, "b", report.b)]
    evidence = _element(
        "software_File",
        base,
        "report",
        name="report.json",
        description=f"Claim report {report.digest}",
        software_primaryPurpose="evidence",
        contentType="application/json",
        verifiedUsing=[_hash(file_sha256(report))],
    )
    if report.url is not None:
        evidence["externalRef"] = [{"type": "ExternalRef", "externalRefType": "other", "locator": [report.url]}]
    found = _found(base, report)
    because = _relationship(base, "evidence", found["spdxId"], "hasEvidence", [evidence["spdxId"]])
    elements = [*agents, tool, *models, evidence, found, because]
    document = _element(
        "SpdxDocument",
        base,
        "document",
        name=f"Lineage report on {' and '.join(plain(name, NAME) for name in report.names)}",
        profileConformance=["core", "software"],
        rootElement=[f"{base}#a"],
        element=[element["spdxId"] for element in elements],
    )
    context = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
    return canonical({"@context": context, "@graph": [info, document, *elements]}) + b"\n"


def _found(base: str, report: ClaimReport) -> dict[str, Any]:
    """What was found between the two models."""
    words = f"{report.answer.word}. {report.may_say} May not be said: {report.may_not_say}"
    declared = descent(report)
    a, b = f"{base}#a", f"{base}#b"
    if declared is not None:
        child, parent = (a, b) if declared.child is report.a else (b, a)
        words = f"{report.say(Phrase.of('document.descends'))} {report.declared_in_words} {words}"
        return _relationship(base, "found", child, "descendantOf", [parent], words)
    if report.verdict in FOUND:
        code = "document.related" if of_the_models(report) else "document.related.part"
        words = f"{report.say(Phrase.of(code))} {words}"
        return _relationship(base, "found", a, "other", [b], words)
    words = f"On A, {plain(report.a.name, NAME)}, and B, {plain(report.b.name, NAME)}: {words}"
    statement = plain(words, 2 * SENTENCE)
    return _element("Annotation", base, "found", annotationType="review", subject=a, statement=statement)


def _package(base: str, side: str, subject: Subject) -> list[dict[str, Any]]:
    """A model, and its weight files."""
    values = "; ".join(f"{name} {value}" for name, value in sorted(stated(subject).items()))
    package = _element(
        "ai_AIPackage",
        base,
        side,
        name=plain(subject.name, NAME),
        software_primaryPurpose="model",
        ai_typeOfModel=[plain(subject.architecture.family, NAME)],
        comment=plain(values, SENTENCE),
    )
    if subject.revision is not None:
        package["software_packageVersion"] = plain(subject.revision, NAME)
    files = [
        _element(
            "software_File", base, f"{side}-file-{n}", name=name, software_primaryPurpose="model",
            verifiedUsing=[_hash(digest)],
        )
        for n, (name, digest) in enumerate(hashed_files(subject), start=1)
    ]  # fmt: skip
    if not files:
        return [package]
    held = _relationship(base, f"{side}-files", package["spdxId"], "contains", [file["spdxId"] for file in files])
    return [package, *files, held]


def _relationship(
    base: str, key: str, source: str, kind: str, target: list[str], comment: str = ""
) -> dict[str, Any]:
    found = _element("Relationship", base, key, relationshipType=kind, to=target) | {"from": source}
    return found | ({"comment": plain(comment, 2 * SENTENCE)} if comment else {})


def _element(kind: str, base: str, key: str, **properties: Any) -> dict[str, Any]:
    return {"type": kind, "spdxId": f"{base}#{key}", "creationInfo": _INFO} | properties


def _hash(value: str) -> dict[str, str]:
    return {"type": "Hash", "algorithm": "sha256", "hashValue": value}
