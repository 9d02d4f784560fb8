"""Reference populations of unrelated models: record, selection, evidence, audit; ``build`` is loaded where used."""

from .audit import Audit, SizeAt, false_match_curve, pair_p_values, quantile_envelope
from .evidence import (
    ALL_PAIRS,
    PRIMARY_RUNG,
    FalseMatch,
    MemberUsed,
    PanelEvidence,
    PanelUse,
    evaluate,
    members_needed,
)
from .likeness import Likeness, like_needed, own_kind_design, own_pairs, unlike
from .record import Exclusion, Kin, Member, Panel, PanelRecord, ScoreFile, check_panel, load_panel
from .scores import Scores, compute
from .selection import comparable, kinds, stratum_of

__all__ = [
    "ALL_PAIRS",
    "PRIMARY_RUNG",
    "Audit",
    "Exclusion",
    "FalseMatch",
    "Kin",
    "Likeness",
    "Member",
    "MemberUsed",
    "Panel",
    "PanelEvidence",
    "PanelRecord",
    "PanelUse",
    "ScoreFile",
    "Scores",
    "SizeAt",
    "check_panel",
    "comparable",
    "compute",
    "evaluate",
    "false_match_curve",
    "kinds",
    "like_needed",
    "load_panel",
    "members_needed",
    "own_kind_design",
    "own_pairs",
    "pair_p_values",
    "quantile_envelope",
    "stratum_of",
    "unlike",
]
