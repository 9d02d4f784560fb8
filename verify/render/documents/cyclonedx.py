"""A report as a CycloneDX 1.7 bill of materials (ECMA-424): two machine-learning models and the claim about them.

``pedigree.ancestors`` has a direction and a verdict has none: a model is given an ancestor only if it is declared to
be made from it and the verdict confirms that the two are related. In every case the claim stands in ``declarations``,
with the report as its evidence.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from ...base import Phrase, canonical
from ...base.plain import plain
from ...claim import ClaimReport, Subject
from ...claim.declared import descent
from ..escape import NAME, SENTENCE
from .materials import file_sha256, hashed_files, moment, stated, urn, version_of

_HUB = "hf://"


def cyclonedx(report: ClaimReport) -> bytes:
    """The document, in canonical JSON: the same report gives the same bytes."""
    declared = descent(report)
    a, b = (_component(subject) | {"bom-ref": side} for subject, side in ((report.a, "a"), (report.b, "b")))
    if declared is not None:
        child = a if declared.child is report.a else b
        notes = f"{report.say(Phrase.of('document.descends'))} {report.declared_in_words}"
        child["pedigree"] = {"ancestors": [_component(declared.base)], "notes": plain(notes, SENTENCE)}
    answer = report.answer
    tool = {"type": "application", "name": "verify-lineage", "version": version_of(report)}
    authors = [{"name": plain(author, NAME)} for author in report.authors]
    evidence = {
        "bom-ref": "report",
        "propertyName": "verify-lineage:claim-report",
        "description": plain(f"{answer.word}. {answer.sentence}", SENTENCE),
        "data": [{"name": "report.json", "contents": {"url": report.url or "report.json"}}],
        "created": moment(report),
    } | ({"author": authors[0]} if authors else {})
    claim = {
        "bom-ref": "claim",
        "target": "a",
        "predicate": plain(report.may_say, SENTENCE),
        "reasoning": plain(f"{answer.rests_on} May not be said: {report.may_not_say}", SENTENCE),
        "evidence": ["report"],
    }
    metadata: dict[str, Any] = {"timestamp": moment(report), "tools": {"components": [tool]}, "component": a}
    return canonical(
        {
            "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.7",
            "serialNumber": urn(report, "cyclonedx"),
            "version": 1,
            "metadata": metadata | ({"authors": authors} if authors else {}),
            "components": [b],
            "externalReferences": [_reference(report)],
            "declarations": {"claims": [claim], "evidence": [evidence]},
            "properties": _properties(
                {"verdict": report.verdict, "declared": report.declared.status, "report": report.digest}
            ),
        }
    ) + b"\n"  # fmt: skip


def _component(subject: Subject) -> dict[str, Any]:
    """A model: its name and revision, its weight files with their hashes, and its architecture."""
    files = hashed_files(subject)
    found: dict[str, Any] = {
        "type": "machine-learning-model",
        "name": plain(subject.name, NAME),
        "modelCard": {"modelParameters": {"modelArchitecture": plain(subject.architecture.family, NAME)}},
        "properties": _properties(stated(subject)),
    }
    if subject.revision is not None:
        found["version"] = plain(subject.revision, NAME)
    if subject.origin is not None and subject.origin.startswith(_HUB):
        repository = "/".join(subject.origin.removeprefix(_HUB).split("/")[:2])
        at = "" if subject.revision is None else f"@{quote(subject.revision, safe='')}"
        found["purl"] = f"pkg:huggingface/{quote(repository, safe='/')}{at}"
    if files:
        found["components"] = [{"type": "file", "name": name, "hashes": [_hash(digest)]} for name, digest in files]
    return found


def _reference(report: ClaimReport) -> dict[str, Any]:
    return {
        "type": "evidence",
        "url": report.url or "report.json",
        "comment": f"Claim report {report.digest}; hash of its file report.json",
        "hashes": [_hash(file_sha256(report))],
    }


def _hash(value: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": value}


def _properties(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": f"verify-lineage:{name}", "value": value} for name, value in sorted(values.items())]
