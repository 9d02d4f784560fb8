"""The tests and statistics, one per file: from two fingerprints to evidence."""

from ..base.lazy import lazily

with lazily(__name__):
    from .applicability import on_anchors
    from .assigned_geometry import ASSIGNED_GEOMETRY
    from .circuit_cosine import CIRCUIT_COSINE
    from .counted import Counted, Description, Source
    from .earlier import words_of
    from .embedding_geometry import EMBEDDING_GEOMETRY
    from .exact_tests import EXACT_TESTS
    from .expert_identity import EXPERT_IDENTITY
    from .head_identity import HEAD_IDENTITY
    from .latent_identity import LATENT_IDENTITY
    from .panel_statistics import PANEL_STATISTICS, PRIMARY
    from .query_key_identity import QUERY_KEY_IDENTITY
    from .remake import remade
    from .response_identity import RESPONSE_IDENTITY
    from .response_match import RESPONSE_MATCH, ResponseGrid, response_grid
    from .result import (
        CellResult,
        Count,
        DesignRank,
        EffectSize,
        EstimateResult,
        ExactResult,
        LayerResult,
        PanelResult,
        Places,
        Result,
        ScoreResult,
        TestResult,
        TwinScore,
    )
    from .results import Results
    from .rework import reworked
    from .rotary_phase import ROTARY_PHASE
    from .sign_agreement import SIGN_AGREEMENT
    from .similarity import Similarity
    from .spectral_distance import SPECTRAL_DISTANCE
    from .spread_correlation import SPREAD_CORRELATION, curve_correlation
    from .statistic import Statistic, exact_results
    from .stream_identity import STREAM_IDENTITY
    from .stream_rotation import STREAM_ROTATION
    from .unit_identity import UNIT_IDENTITY
    from .unused_tokens import UNUSED_TOKENS
    from .value_identity import VALUE_IDENTITY
    from .words import Words

__all__ = [
    "ASSIGNED_GEOMETRY",
    "CIRCUIT_COSINE",
    "EMBEDDING_GEOMETRY",
    "EXACT_TESTS",
    "EXPERT_IDENTITY",
    "HEAD_IDENTITY",
    "LATENT_IDENTITY",
    "PANEL_STATISTICS",
    "PRIMARY",
    "QUERY_KEY_IDENTITY",
    "RESPONSE_IDENTITY",
    "RESPONSE_MATCH",
    "ROTARY_PHASE",
    "SIGN_AGREEMENT",
    "SPECTRAL_DISTANCE",
    "SPREAD_CORRELATION",
    "STREAM_IDENTITY",
    "STREAM_ROTATION",
    "UNIT_IDENTITY",
    "UNUSED_TOKENS",
    "VALUE_IDENTITY",
    "CellResult",
    "Count",
    "Counted",
    "Description",
    "DesignRank",
    "EffectSize",
    "EstimateResult",
    "ExactResult",
    "LayerResult",
    "PanelResult",
    "Places",
    "ResponseGrid",
    "Result",
    "Results",
    "ScoreResult",
    "Similarity",
    "Source",
    "Statistic",
    "TestResult",
    "TwinScore",
    "Words",
    "curve_correlation",
    "exact_results",
    "on_anchors",
    "remade",
    "response_grid",
    "reworked",
    "words_of",
]
