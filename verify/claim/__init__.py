"""The claim: its record, verdict, wording, digest and signature."""

from ..base import canonical, digest
from .citation import Citation
from .report import ClaimReport, Hypotheses, Provenance, Subject
from .signature import SignatureError, sign, verify_signature
from .verdict import Verdict, combine, decide

__all__ = [
    "Citation",
    "ClaimReport",
    "Hypotheses",
    "Provenance",
    "SignatureError",
    "Subject",
    "Verdict",
    "canonical",
    "combine",
    "decide",
    "digest",
    "sign",
    "verify_signature",
]
