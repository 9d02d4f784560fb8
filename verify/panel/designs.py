"""Names of the designs by which a claim is ranked in a panel."""

from __future__ import annotations

TWINS = "twins"
"""The design of the twin rung."""
ALL_PAIRS = "pair_larger"
"""The design of the residual rung: the larger of the ranks by raw score and by residual, among all pairs."""
PRIMARY_DESIGN = f"{TWINS}_and_{ALL_PAIRS}"
"""The one of the two rungs with the larger p-value."""
OWN_KIND = "own_kind"
"""The design of the p-value over pairs of the own kind."""
