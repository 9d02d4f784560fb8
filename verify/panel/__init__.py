"""Reference populations of unrelated models: record, selection, evidence, audit; ``build`` is loaded where used."""

from .audit import Audit, audit, false_match_curve, pair_p_values, quantile_envelope
from .evidence import PRIMARY_RUNG, PanelEvidence, PanelUse, evaluate, members_needed
from .likeness import NEEDED, Likeness, likeness, unlike
from .record import Exclusion, Kin, Member, Panel, PanelRecord, load_panel
from .scores import Scores, compute
from .selection import comparable, kinds, stratum_of

__all__ = [
    "NEEDED",
    "PRIMARY_RUNG",
    "Audit",
    "Exclusion",
    "Kin",
    "Likeness",
    "Member",
    "Panel",
    "PanelEvidence",
    "PanelRecord",
    "PanelUse",
    "Scores",
    "audit",
    "comparable",
    "compute",
    "evaluate",
    "false_match_curve",
    "kinds",
    "likeness",
    "load_panel",
    "members_needed",
    "pair_p_values",
    "quantile_envelope",
    "stratum_of",
    "unlike",
]
