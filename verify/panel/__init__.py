"""Reference populations of unrelated models: record, build, selection, evidence, audit."""

from .audit import Audit, audit, false_match_curve, pair_p_values, quantile_envelope
from .build import build, stratum_of, suspected
from .evidence import PRIMARY_RUNG, PanelEvidence, PanelUse, can_reject, evaluate, score_matrix
from .recipe import Entry, Recipe
from .record import Exclusion, Kin, Member, Panel, PanelRecord
from .selection import comparable

__all__ = [
    "PRIMARY_RUNG",
    "Audit",
    "Entry",
    "Exclusion",
    "Kin",
    "Member",
    "Panel",
    "PanelEvidence",
    "PanelRecord",
    "PanelUse",
    "Recipe",
    "audit",
    "build",
    "can_reject",
    "comparable",
    "evaluate",
    "false_match_curve",
    "pair_p_values",
    "quantile_envelope",
    "score_matrix",
    "stratum_of",
    "suspected",
]
