"""Statistics without models: null distributions, orbits and designs, intervals, multiplicity."""

from ..base.lazy import lazily

with lazily(__name__):
    from .blind import disjoint_pairs
    from .combination import bonferroni, fisher, max_p
    from .designs import Design, pair_design, row_design, stratum_design
    from .discovery import benjamini_yekutieli
    from .fixed_points import critical_count, detectable_share, law_of_random_orders, log10_p_fixed_points
    from .intervals import smallest_share
    from .mantel_test import mantel
    from .multiplicity import bonferroni_min, holm
    from .orbit import OrbitRank, orbit_rank
    from .ranking import larger_rank, own_kind_rank, rank
    from .residual import bipartite_residual, two_way_residual
    from .sensitivity import critical_odds_ratio, false_match_bound
    from .share_interval import Drawn, Interval, Products, Share, drawn, products, share_of
    from .signs import critical_agreement, detectable_agreement, law_of_signs, log10_p_signs
    from .twin_groups import grouped_twin_rank
    from .twins import twin_rank
    from .unknown_kind import least_pairs, unknown_kind_rank, unknown_kind_row

__all__ = [
    "Design",
    "Drawn",
    "Interval",
    "OrbitRank",
    "Products",
    "Share",
    "benjamini_yekutieli",
    "bipartite_residual",
    "bonferroni",
    "bonferroni_min",
    "critical_agreement",
    "critical_count",
    "critical_odds_ratio",
    "detectable_agreement",
    "detectable_share",
    "disjoint_pairs",
    "drawn",
    "false_match_bound",
    "fisher",
    "grouped_twin_rank",
    "holm",
    "larger_rank",
    "law_of_random_orders",
    "law_of_signs",
    "least_pairs",
    "log10_p_fixed_points",
    "log10_p_signs",
    "mantel",
    "max_p",
    "orbit_rank",
    "own_kind_rank",
    "pair_design",
    "products",
    "rank",
    "row_design",
    "share_of",
    "smallest_share",
    "stratum_design",
    "twin_rank",
    "two_way_residual",
    "unknown_kind_rank",
    "unknown_kind_row",
]
