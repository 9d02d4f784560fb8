"""Reports changed by somebody who knows how they are made, and phrases in words."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

from verify import ClaimReport
from verify.base import Phrase, canonical, digest
from verify.wording import say

CREATED = "2026-01-31T12:00:00+00:00"
"""The clock of every report that a test makes."""
_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]+)\]")


def sealed(content: dict[str, Any]) -> bytes:
    """The file of a changed report whose digest fits."""
    return canonical(content | {"digest": digest(content, without=("digest",))}) + b"\n"


def changed(content: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    """The content with another value at a JSON path, in which items of lists are called by number or by name."""
    content = copy.deepcopy(content)
    steps = [key or name for key, name in _STEP.findall(field)]
    place: Any = content
    for step in steps[:-1]:
        place = place[_key(place, step)]
    place[_key(place, steps[-1])] = value
    return content


def _key(place: Any, step: str) -> str | int:
    if isinstance(place, dict):
        return step
    if step.isdigit():
        return int(step)
    return next(i for i, item in enumerate(place) if step in (item.get("id"), item.get("line")))


def with_results(report: ClaimReport, *results: Any) -> ClaimReport:
    """A report with other results of some tests, its seal as it was."""
    other = {result.id: result for result in results}
    lines = tuple(
        line.model_copy(update={"results": tuple(other.get(result.id, result) for result in line.results)})
        for line in report.evidence
    )
    return report.model_copy(update={"evidence": lines})


def words(phrases: Phrase | Iterable[Phrase] | None) -> str:
    """Phrases in the words of the present catalogue."""
    if phrases is None:
        return ""
    return " ".join(say(phrase) for phrase in ([phrases] if isinstance(phrases, Phrase) else phrases))
