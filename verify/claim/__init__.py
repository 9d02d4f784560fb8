"""The claim: its record, verdict, wording and digest; ``check`` and ``signature`` are loaded where they are used."""

from ..base import canonical, digest
from .citation import Citation
from .declared import Declared
from .report import ClaimReport, Hypotheses, Provenance, Subject
from .verdict import Verdict, combine, decide

__all__ = [
    "Citation",
    "ClaimReport",
    "Declared",
    "Hypotheses",
    "Provenance",
    "Subject",
    "Verdict",
    "canonical",
    "combine",
    "decide",
    "digest",
]
