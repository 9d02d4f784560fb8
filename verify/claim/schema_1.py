"""Reports of schema 1, brought into the present one: their facts are kept, and their sentences are not.

Schema 1 recorded sentences beside facts, under one digest. What a page says is said anew of the facts, so that no
sentence of an altered file is ever shown as ours: why an exact test does not apply follows from the record, why a
panel test does not and what a test left out are not told. A test whose version has changed since has the words that
we keep of that version, and a version that there never was is no report.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import log10
from typing import Any

from ..base import Phrase
from ..fingerprint import identical
from ..statistics import EXACT_TESTS, PANEL_STATISTICS, ExactResult, PanelResult, Result
from ..statistics.earlier import EARLIER
from .evidence import EXACT, PANEL
from .report import ClaimReport
from .stub import IDENTICAL, stub

_EXACT_ONLY = ("method", "set_aside", "counts", "statistic", "expected", "effect", "detectable_share", "by_layer")
_PANEL_ONLY = ("score", "rungs", "scores", "by_cell", "grid")
_SHARED = ("id", "version", "applicable", "log10_p", "adjusted_log10_p", "attainable_log10_p")
_SENTENCES = ("finding", "may_say", "may_not_say", "hypotheses", "multiplicity", "power", "limitations", "citation")
_MOVED = ("alpha", "log10_p", "panel_alpha", "panel_log10_p", "selection", "tests")
_STAYED = ("schema_version", "a", "b", "verdict", "robust_log10_p", "panel", "chronology", "shared_anchors", "parts",
           "equal_tensors", "declared", "provenance", "created", "digest")  # fmt: skip
_VERSIONS = {test.id: test.version for test in EXACT_TESTS} | {test.id: test.version for test in PANEL_STATISTICS}
_NOT_TOLD = Phrase.of("not_told")
_PANEL_IDS = {statistic.id for statistic in PANEL_STATISTICS}
_ORDER = [*_VERSIONS]


def converted(content: dict[str, Any]) -> ClaimReport:
    """The report of a schema-1 file.

    Parameters
    ----------
    content : the file's JSON.

    Raises
    ------
    ValueError
        If it is not a report of schema 1.
    """
    _known(content, {*_STAYED, *_SENTENCES, *_MOVED})
    if any(name != test["id"] for name, test in content["tests"].items()):
        raise ValueError("holds a test under another test's name")
    if not content.get("panel") and (
        content.get("panel_log10_p") is not None or _PANEL_IDS & content["tests"].keys()
    ):
        raise ValueError("holds a panel's p-value or tests, and no panel")
    kept = {key: content[key] for key in _STAYED if key in content}
    results = [_result(test) for test in content["tests"].values()]
    results.sort(key=lambda result: _ORDER.index(result.id) if result.id in _ORDER else len(_ORDER))
    panel = content.get("panel")
    searched = _searched(content["selection"])
    kept |= {
        "schema_version": 2,
        "wording": 1,
        "searched": searched,
        "evidence": [
            _line(EXACT, "shared_arrangement", content, results, searched),
            *([_line(PANEL, "closer_than_members", content, results, searched)] if panel else []),
        ],
        "parts": [_part(part) for part in content.get("parts", ())],
        "declared": {key: value for key, value in content["declared"].items() if key != "sentence"},
        "provenance": {key: value for key, value in content["provenance"].items() if key != "seed"},
    }
    if panel:
        dropped = [{"name": out["name"], "reason": _NOT_TOLD} for out in panel["dropped"]]
        design = {"primary_design": panel["primary_rung"], "dropped": dropped}
        kept["panel"] = {key: value for key, value in panel.items() if key != "primary_rung"} | design
    return _with_reasons(ClaimReport.model_validate(kept)).made_under(1, content)


def _with_reasons(report: ClaimReport) -> ClaimReport:
    """Why exact tests do not apply, by the record."""
    stubs = stub(report, report.a, 0), stub(report, report.b, 1)
    same = identical(report.a, report.b)
    reasons = {test.id: IDENTICAL if same else test.refusal(*stubs) for test in EXACT_TESTS}
    lines = tuple(
        line.model_copy(
            update={
                "results": tuple(
                    result
                    if result.applicable or not isinstance(result, ExactResult)
                    else result.model_copy(update={"reason": reasons.get(result.id) or _NOT_TOLD})
                    for result in line.results
                )
            }
        )
        for line in report.evidence
    )
    return report.model_copy(update={"evidence": lines})


def _known(fields: Mapping[str, Any], known: Collection[str]) -> None:
    if unknown := fields.keys() - set(known):
        raise ValueError(f"has a field {min(unknown)!r:.60}, which schema 1 has not")


def _line(line: str, asked: str, content: Mapping[str, Any], results: list[Result], searched: int) -> dict[str, Any]:
    exact = line == EXACT
    own = [result for result in results if isinstance(result, ExactResult) == exact]
    able = [result.attainable_log10_p for result in own if result.attainable_log10_p is not None]
    if not exact:
        primary = (content.get("panel") or {}).get("primary")
        able = [x.attainable_log10_p for x in own if x.id == primary and x.attainable_log10_p is not None]
    parts = 1 + sum(any(test["applicable"] for test in part.get("tests", {}).values()) for part in _further(content))
    decides = content["panel_log10_p"] is not None  # a rank that is no verdict has no p-value
    factor = len(able) * searched * parts if exact else searched
    assumes = (
        ("invariant_training", "not_arranged", "no_shared_tensors")
        if exact
        else ("exchangeable", "no_affinity", "unrelated_members")
    )
    return {
        "line": line,
        "asked": Phrase.of(asked),
        "assumes": [Phrase.of(f"assumption.{code}") for code in assumes],
        "alpha": content["alpha" if exact else "panel_alpha"],
        "log10_p": content["log10_p" if exact else "panel_log10_p"],
        "attainable_log10_p": min(0.0, log10(factor) + min(able)) if able and (exact or decides) else None,
        "results": own,
    }


def _further(content: Mapping[str, Any]) -> list[Any]:
    return list(content.get("parts", ()))[1:]


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in part.items() if key != "tests"}
    return kept | {"results": [_result(test) for test in part.get("tests", {}).values()]}


def _result(test: Mapping[str, Any]) -> Result:
    name, version = test["id"], test["version"]
    if version != _VERSIONS.get(name) and (name, version) not in EARLIER:
        raise ValueError(f"holds version {version!r:.20} of {name!r:.60}, and there never was one")
    _known(test, (*_SHARED, *_EXACT_ONLY, *_PANEL_ONLY, "title", "reason", "null", "assumptions", "notes"))
    fields: dict[str, Any] = {key: test[key] for key in _SHARED if key in test}
    fields["reason"] = None if test.get("reason") is None else _NOT_TOLD
    if name in _PANEL_IDS:
        fields |= {key: test[key] for key in _PANEL_ONLY if key in test and key != "rungs"}
        fields["ranks"] = [{k: v for k, v in rung.items() if k != "null"} for rung in test.get("rungs", ())]
        return PanelResult.model_validate(fields)
    fields |= {key: test[key] for key in _EXACT_ONLY if key in test}
    if fields.get("effect"):
        fields["effect"] = {key: value for key, value in fields["effect"].items() if key != "interval"}
    return ExactResult.model_validate(fields)


def _searched(selection: str) -> int:
    if selection == "pre-specified":
        return 1
    if match := re.fullmatch(r"best_of_([1-9][0-9]{0,8})", str(selection), re.ASCII):
        return int(match[1])
    raise ValueError(f"states the selection {selection!r:.60}, which schema 1 has not")
