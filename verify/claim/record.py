"""Records that a claim report is made of."""

from __future__ import annotations

from ..base import Record, later
from ..fingerprint import Effort, SketchSpec
from ..statistics import Result, Results
from .evidence import Verdict
from .parts import PartSubject


class PartResult(Record):
    """A part of A and the part of B that it was compared with."""

    a: str
    """Name, as among the parts of A."""
    b: str
    """Name, as among the parts of B."""
    verdict: Verdict
    """At the level of the exact tests; ``identical`` if both hold the same numbers."""
    log10_p: float | None = None
    """log10 of the family-wise p-value of its exact tests; None where none applies."""
    adjusted_log10_p: float | None = None
    """The same, adjusted by Holm's procedure over all pairs of parts, and for the search."""
    results: tuple[Result, ...] = ()
    """Empty for the pair of the headline, whose results are the report's, and for parts that no table understands."""
    subject_a: PartSubject | None = None
    """Description of the part of A that its tests depend on; None if there are none here."""
    subject_b: PartSubject | None = None
    shared_anchors: int | None = None
    """Anchor tokens that both know; None if there are no tests here."""

    @property
    def tests(self) -> Results:
        """Results by the test's id."""
        return Results(self.results)


class Hypotheses(Record):
    """Both propositions, in words."""

    null: str
    alternative: str


class Provenance(Record):
    """The software that computed the report, and the options it was called with."""

    software: dict[str, str]
    effort: Effort = "full"
    """Effort of the comparison: at most the smaller of theirs."""
    sketch: SketchSpec
    """Sketch of the comparison."""
    options: dict[str, str] = later({})
    """Options of the command or call that no other field holds: effort, panel, and for either model its layout and
    tokenizer by name. Defaults are omitted, and no path is kept."""
