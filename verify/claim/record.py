"""Records that a claim report is made of."""

from __future__ import annotations

from collections.abc import Mapping

from ..base import Record, later
from ..fingerprint import Effort, SketchSpec
from ..statistics import Result
from .evidence import Verdict
from .parts import PartSubject


class PartResult(Record):
    """A part of A and the part of B that it was compared with."""

    a: str
    """Name, as among the parts of A."""
    b: str
    """Name, as among the parts of B."""
    verdict: Verdict
    """At the level of the exact tests; ``identical`` where both hold the same numbers."""
    log10_p: float | None = None
    """log10 of the family-wise p-value of its exact tests; None where none applies."""
    adjusted_log10_p: float | None = None
    """The same, adjusted by Holm's procedure over all pairs of parts, and for the search."""
    results: tuple[Result, ...] = ()
    """Empty for the pair that the report is headlined by, whose results are the report's, and where no table
    understands the parts."""
    subject_a: PartSubject | None = None
    """What of the part of A its tests depend on; None where there are none here."""
    subject_b: PartSubject | None = None
    shared_anchors: int | None = None
    """Anchor tokens that both know; None where there are no tests here."""

    @property
    def tests(self) -> Mapping[str, Result]:
        """Results by the test's id."""
        return {result.id: result for result in self.results}


class Hypotheses(Record):
    """Both propositions, in words."""

    null: str
    alternative: str


class Provenance(Record):
    """What computed the report, and how it was asked for."""

    software: dict[str, str]
    effort: Effort = "full"
    """At which the two were compared: at most the smaller of theirs."""
    sketch: SketchSpec
    """Under which the two were compared."""
    options: dict[str, str] = later({})
    """Of the command or call, as given, what no other field says: effort, panel, and for either model its layout and
    tokenizer by name. Options left at their defaults are left out, and no path is kept."""
