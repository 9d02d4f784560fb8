"""Reference populations of unrelated models: record, selection, evidence, audit, building."""

from ..base.lazy import lazily

with lazily(__name__):
    from .audit import Audit, SizeAt, false_match_curve, pair_p_values, quantile_envelope
    from .build import build_panel, slim, with_scores
    from .designs import ALL_PAIRS, PRIMARY_DESIGN
    from .dropped import Dropped
    from .evidence import evaluate, members_needed
    from .likeness import Likeness, like_needed, own_kind_design
    from .members import Exclusion, Member, RelatedPair, Twins
    from .recipe import Recipe
    from .record import Panel, PanelRecord, PanelSource, check_panel, kept_scores, load_panel
    from .scores import ScoreFile, Scores, compute
    from .selection import comparable, comparable_groups, stratum_of
    from .strangers import StrangersAt, StrangersAudit, audit_strangers
    from .use import (
        FalseMatch,
        MemberUsed,
        PanelEvidence,
        PanelUse,
        RecipeUsed,
        impossible,
        own_pairs,
        undecided,
    )

__all__ = [
    "ALL_PAIRS",
    "PRIMARY_DESIGN",
    "Audit",
    "Dropped",
    "Exclusion",
    "FalseMatch",
    "Likeness",
    "Member",
    "MemberUsed",
    "Panel",
    "PanelEvidence",
    "PanelRecord",
    "PanelSource",
    "PanelUse",
    "Recipe",
    "RecipeUsed",
    "RelatedPair",
    "ScoreFile",
    "Scores",
    "SizeAt",
    "StrangersAt",
    "StrangersAudit",
    "Twins",
    "audit_strangers",
    "build_panel",
    "check_panel",
    "comparable",
    "comparable_groups",
    "compute",
    "evaluate",
    "false_match_curve",
    "impossible",
    "kept_scores",
    "like_needed",
    "load_panel",
    "members_needed",
    "own_kind_design",
    "own_pairs",
    "pair_p_values",
    "quantile_envelope",
    "slim",
    "stratum_of",
    "undecided",
    "with_scores",
]
