"""The claim: its record, evidence, verdict and digest; ``signature`` is loaded where it is used."""

from ..base.lazy import lazily

with lazily(__name__):
    from ..base import canonical, digest
    from .answer import Answer
    from .change import AdapterChange, Left, LeftTensor, ModuleChange, Moved
    from .citation import Citation
    from .dated import Dated, HubCommits, HubFile, TimeStamp
    from .declared import Declared
    from .evidence import EvidenceLine, Verdict, combine, decide
    from .parts import EqualTensors, PartSubject
    from .record import Hypotheses, PartResult, Provenance
    from .report import ClaimReport
    from .subject import Subject

__all__ = [
    "AdapterChange",
    "Answer",
    "Citation",
    "ClaimReport",
    "Dated",
    "Declared",
    "EqualTensors",
    "EvidenceLine",
    "HubCommits",
    "HubFile",
    "Hypotheses",
    "Left",
    "LeftTensor",
    "ModuleChange",
    "Moved",
    "PartResult",
    "PartSubject",
    "Provenance",
    "Subject",
    "TimeStamp",
    "Verdict",
    "canonical",
    "combine",
    "decide",
    "digest",
]
