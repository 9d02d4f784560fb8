"""Reference populations of unrelated models: record, build, selection, evidence, audit."""

from .audit import Audit, audit, false_match_curve, pair_p_values, quantile_envelope
from .build import build, suspected
from .evidence import PRIMARY_RUNG, PanelEvidence, PanelUse, evaluate, members_needed
from .recipe import Entry, Recipe
from .record import Exclusion, Kin, Member, Panel, PanelRecord, load_panel
from .scores import Scores, compute
from .selection import comparable, kinds, stratum_of

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
    "Scores",
    "audit",
    "build",
    "comparable",
    "compute",
    "evaluate",
    "false_match_curve",
    "kinds",
    "load_panel",
    "members_needed",
    "pair_p_values",
    "quantile_envelope",
    "stratum_of",
    "suspected",
]
