"""The claim: its record, verdict, wording and digest; ``check`` and ``signature`` are loaded where they are used."""

from ..base import canonical, digest
from .citation import Citation
from .declared import Declared
from .parts import EqualTensors, PartSubject
from .report import ClaimReport, Hypotheses, PartResult, Provenance, Subject
from .verdict import Verdict, combine, decide

__all__ = [
    "Citation",
    "ClaimReport",
    "Declared",
    "EqualTensors",
    "Hypotheses",
    "PartResult",
    "PartSubject",
    "Provenance",
    "Subject",
    "Verdict",
    "canonical",
    "combine",
    "decide",
    "digest",
]
