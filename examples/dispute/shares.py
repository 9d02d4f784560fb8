"""How many pairs of a class of models reach the claimed correlation."""

from __future__ import annotations

from statistics import median
from typing import Any

from verify.inference import OrbitRank, false_match_bound, orbit_rank
from verify.statistics import DesignRank

from .correlations import Row
from .populations import CLAIMED


def share(label: str, rows: list[Row]) -> dict[str, Any]:
    """Count the pairs at or above the claim.

    Parameters
    ----------
    label : str
        What the page calls the class.
    rows : list of Row
        Its pairs, at least one.

    Returns
    -------
    dict
        ``pairs`` and those that ``reach`` the claim; ``least``, ``middle`` (median) and ``largest`` correlation;
        ``low`` and ``high``, the 95% Clopper-Pearson interval of the share; ``bound``, its 95% upper bound, proved
        where no two pairs share a model; ``rank`` of the claim among these pairs and itself, a p-value under the same
        condition; ``ranked``, the median rank correlation or None; ``layers``, the range of depths.
    """
    values = [row.low for row in rows]
    reach = sum(value >= CLAIMED for value in values)
    ranks = [float(row.rank_r) for row in rows if row.rank_r]
    return {
        "label": label,
        "layers": _depths(rows),
        "pairs": len(rows),
        "least": min(values),
        "middle": median(values),
        "largest": max(values),
        "reach": reach,
        "low": 1 - false_match_bound(len(rows) - reach, len(rows), 0.975),
        "high": false_match_bound(reach, len(rows), 0.975),
        "bound": false_match_bound(reach, len(rows)),
        "rank": odds(orbit_rank([CLAIMED, *values], claim=0)),
        "ranked": median(ranks) if ranks else None,
    }


def odds(found: OrbitRank | DesignRank) -> dict[str, int]:
    """A rank, and the number of places that it is one of."""
    return {"rank": found.rank, "size": found.size}


def _depths(rows: list[Row]) -> str:
    """Depths of the models, as a range."""
    depths = [int(depth) for row in rows for depth in row.layers.split("/") if depth]
    if not depths:
        return "n/a"
    return str(min(depths)) if min(depths) == max(depths) else f"{min(depths)} to {max(depths)}"
