"""The cross-family panel, one published stack of DEPTH layers for each family, and what the claim is worth in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.inference import disjoint_pairs, false_match_bound, orbit_rank, pair_design, rank

from .correlations import Row, find
from .populations import CLAIMED, KNOWN_CLAIMS, family, representatives
from .shares import odds


@dataclass(frozen=True)
class CrossFamily:
    """The panel: names of its stacks, and r of every pair of stacks of DEPTH layers."""

    names: list[str]
    table: dict[frozenset[str], float]

    @staticmethod
    def of(rows: list[Row]) -> CrossFamily:
        """The panel, from the rows of one depth."""
        table = {frozenset((row.a, row.b)): row.low for row in rows if row.one_depth}
        return CrossFamily(representatives(name for pair in table for name in pair), table)

    def score(self, a: str, b: str) -> float:
        """The correlation of two stacks."""
        return self.table[frozenset((a, b))]

    def scores(self, names: list[str]) -> NDArray[np.float64]:
        """Score matrix over names."""
        matrix = np.ones((len(names), len(names)))
        for i, j in combinations(range(len(names)), 2):
            matrix[i, j] = matrix[j, i] = self.score(names[i], names[j])
        return matrix

    def above(self) -> NDArray[np.float64]:
        """Scores of all pairs of members."""
        return self.scores(self.names)[np.triu_indices(len(self.names), 1)]


def nulls(panel: CrossFamily) -> dict[str, Any]:
    """What p the claim has if both its models are like models of other families.

    Its rank among all pairs needs the correlations of its two models with the members, which are not published:
    ``raw_low`` and ``raw_high`` cover every value that these may have.
    """
    members = len(panel.names)
    comparisons = (members + 2) * (members + 1) // 2
    exceed = int((panel.above() >= CLAIMED).sum())
    paired = [panel.score(panel.names[i], panel.names[j]) for i, j in disjoint_pairs(panel.names)]
    return {
        "families": members,
        "comparisons": comparisons,
        "raw_low": (exceed + 1) / comparisons,
        "raw_high": (exceed + 1 + 2 * members) / comparisons,
        "imagined": _imagined(panel),
        "disjoint": len(paired),
        "disjoint_rank": odds(orbit_rank([CLAIMED, *paired], claim=0)),
        "false_match": false_match_bound(sum(r >= CLAIMED for r in paired), len(paired)),
    }


def known(panel: CrossFamily, rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Pairs of known truth, each ranked in the panel as if it were the claim, its own families left out."""
    found = {}
    for key, (a, b) in KNOWN_CLAIMS.items():
        others = [name for name in panel.names if family(name) not in {family(a), family(b)}]
        row = find(rows, a, b)
        found[key] = {
            "a": row.a,
            "b": row.b,
            "r": row.r,
            "rank_r": row.rank_r,
            "truth": {"same_recipe": "separate trainings", "derived": "derived"}[row.kind],
        } | _ranks(panel.scores([a, b, *others]))
    return found


def _imagined(panel: CrossFamily) -> dict[str, Any]:
    """The claim's ranks if its two models resembled every member as members do on average."""
    members = len(panel.names)
    matrix = np.full((members + 2, members + 2), panel.above().mean())
    matrix[2:, 2:] = panel.scores(panel.names)
    matrix[0, 1] = matrix[1, 0] = CLAIMED
    return _ranks(matrix)


def _ranks(matrix: NDArray[np.float64]) -> dict[str, dict[str, int]]:
    """Rank of the first pair among all, by raw score and by residual."""
    design = pair_design(len(matrix))
    return {
        key: odds(rank(matrix, design, residual=residual)) for key, residual in (("raw", False), ("residual", True))
    }
