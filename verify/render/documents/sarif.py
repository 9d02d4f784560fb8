"""A report as SARIF 2.1.0 (OASIS), which code scanning and editors read: the verdicts are its rules."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any, get_args
from urllib.parse import quote

from ...base import canonical
from ...base.plain import plain
from ...claim import ClaimReport, Subject, Verdict
from ...claim.pages import Models
from ..escape import NAME
from .notices import Place, described, notice

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KINDS = {"similar_beyond_panel": "review", "untestable": "notApplicable"}
"""Kinds of result of verdicts. No verdict passes: nothing clears a model."""


def sarif(report: ClaimReport, models: Models = (None, None)) -> bytes:
    """One run with one result: a warning if the models are related and neither declares it.

    Parameters
    ----------
    report : the report.
    models : paths of A and B, where they are known.

    Returns
    -------
    bytes
        Canonical JSON.
    """
    said = notice(report, models)
    rules: tuple[Verdict, ...] = get_args(Verdict)
    other = report.b if said.subject is report.a else report.a
    result = {
        "ruleId": report.verdict,
        "ruleIndex": rules.index(report.verdict),
        "kind": "fail" if said.undeclared else _KINDS.get(report.verdict, "informational"),
        "level": "warning" if said.undeclared else "none",
        "message": {"text": _message(f"{said.title}. {said.text}")},
        "locations": [_location(said.subject, said.place)],
        "relatedLocations": [{"id": 1} | _location(other, said.other)],
        "partialFingerprints": {"pair/v1": _pair(report)},
        "properties": {
            "digest": report.digest,
            "declared": report.declared.status,
            "log10_p": report.log10_p,
            "alpha": report.alpha,
        },
    }
    driver = {
        "name": "verify-lineage",
        "version": plain(report.provenance.software.get("verify-lineage", "unknown"), NAME),
        "rules": [_rule(verdict) for verdict in rules],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [result]}
    return canonical({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}) + b"\n"


def _rule(verdict: Verdict) -> dict[str, Any]:
    says, not_said = described(verdict)
    found = verdict in ("identical", "dependent")
    return {
        "id": verdict,
        "shortDescription": {"text": says},
        "help": {"text": f"It does not show: {not_said}"},
        "defaultConfiguration": {"level": "warning" if found else "none"},
    }


def _location(subject: Subject, place: Place | None) -> dict[str, Any]:
    """Where a model is: a line of a file, or its address; and its name."""
    named = {"name": plain(subject.name, NAME), "kind": "resource"}
    found: dict[str, Any] = {"logicalLocations": [named]}
    if place is not None:
        absolute = PurePosixPath(place.path).is_absolute() or place.path[1:2] == ":"
        file = (
            {"uri": "file:///" + quote(place.path.lstrip("/"))}
            if absolute
            else {"uri": quote(place.path), "uriBaseId": "%SRCROOT%"}
        )
        found["physicalLocation"] = {"artifactLocation": file, "region": {"startLine": place.line}}
    elif subject.origin is not None:
        found["physicalLocation"] = {"artifactLocation": {"uri": quote(plain(subject.origin, 2000), safe=":/@")}}
    return found


def _message(text: str) -> str:
    r"""Text in which nothing is a placeholder or a link (3.11.5 and 3.11.6 of the standard).

    Examples
    --------
    >>> print(_message("{0} [x](http://y)"))
    {{0}} \[x\](http://y)
    """
    for sign in "\\[]":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("{", "{{").replace("}", "}}")


def _pair(report: ClaimReport) -> str:
    """What stays the same while the two models do."""
    both = sorted((report.a.content_sha256, report.b.content_sha256))
    return hashlib.sha256("\n".join(both).encode()).hexdigest()
