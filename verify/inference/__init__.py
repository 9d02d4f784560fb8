"""Scores to p-values: null laws, intervals, multiplicity; knows nothing of models."""

from .fixed_points import critical_count, detectable_share, log10_p_fixed_points
from .intervals import hypergeometric_interval, smallest_share
from .multiplicity import holm, smallest
from .signs import critical_agreement, detectable_agreement, log10_p_signs

__all__ = [
    "critical_agreement",
    "critical_count",
    "detectable_agreement",
    "detectable_share",
    "holm",
    "hypergeometric_interval",
    "log10_p_fixed_points",
    "log10_p_signs",
    "smallest",
    "smallest_share",
]
