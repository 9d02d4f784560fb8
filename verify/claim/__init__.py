"""The claim: its record, verdict, wording and digest."""

from ..base import canonical, digest
from .report import Citation, ClaimReport, Hypotheses, Provenance, Subject
from .verdict import Verdict, combine, decide

__all__ = [
    "Citation",
    "ClaimReport",
    "Hypotheses",
    "Provenance",
    "Subject",
    "Verdict",
    "canonical",
    "combine",
    "decide",
    "digest",
]
