"""The report that follows from a table's scores, what is declared of its models, and settings fixed beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..base import InputError
from ..inference import critical_odds_ratio, disjoint_pairs, false_match_bound
from ..panel import Audit, FalseMatch
from ..panel.audit import audit
from ..statistics import DesignRank
from .ranks import Ladder, log10_corrected
from .record import CalibratedScore, CalibrationReport, Closer, Design, Scale, TableSource, TwinPair
from .scale import DOMAIN, on_scale, outside
from .selection import Selection

MOST_AUDITED = 400
"""Models: an audit costs the cube of their number."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is fixed before any score is looked at, and how the record states it."""

    score_name: str
    closer: Closer
    scale: Scale
    alpha: float
    searched: int
    design: Design | None
    """As named by the caller; None if it follows from what is declared."""
    one_per_family: bool
    software: dict[str, str]
    created: str
    wording: int


def conclude(
    selection: Selection, scores: NDArray[np.float64], source: TableSource, stated: Settings
) -> CalibrationReport:
    """The report that follows from the scores.

    Parameters
    ----------
    selection : the models that are ranked.
    scores : as in the table, of ``selection.models``, shape [n, n], symmetric; NaN where missing.
    source : where they came from.
    stated : settings.

    Raises
    ------
    InputError
        If no score could reach the level, the primary design reads a missing score, or a score is outside the domain
        of the scale.
    """
    names = [model.name for model in selection.models]
    if len(names) < 3:
        raise InputError("The table leaves no model to compare A and B with; give scores of other models.")
    ladder, known = Ladder(selection, stated.alpha / stated.searched), np.isfinite(scores)
    design = ladder.primary(stated.design, known)
    ladder.check_reach(design)  # before any score is looked at
    lacking = ladder.missing(design, known) if known[0, 1] else (0, 1)
    if lacking is not None:
        raise InputError(_lacking(names, lacking, design))
    _check_domain(scores, names, stated.scale)
    S = on_scale(scores, stated.scale, smaller=stated.closer == "smaller")
    ranks, twin_score, twins = ladder.ranks(S)
    pairs = selection.twins
    first, second = np.triu_indices(len(names), 1)
    evidence = CalibratedScore(
        name=stated.score_name,
        source=source,
        closer=stated.closer,
        scale=stated.scale,
        alpha=stated.alpha,
        primary_design=design,
        stated_design=stated.design is not None,
        one_per_family=stated.one_per_family,
        score=float(scores[0, 1]),
        models=selection.models,
        scores=tuple(None if np.isnan(score) else score for score in scores[first, second].tolist()),
        left_out=selection.left_out,
        ranks=tuple(ranks),
        log10_p=0.0,
        attainable_log10_p=0.0,
        twins=tuple(
            TwinPair(recipe=recipe, a=names[pairs[recipe][0]], b=names[pairs[recipe][1]], score=score)
            for recipe, score in twins.items()
        ),
        twin_score=twin_score,
        critical_odds_ratio=0.0,
        false_match=_false_match(selection, S, design, ranks, stated.searched),
        audit=_audit(selection, S),
    )
    primary = evidence.primary
    of = ("twins", "pair_larger") if design == "twins_and_pair_larger" else (primary.design,)
    evidence = evidence.model_copy(
        update={
            "log10_p": log10_corrected(primary.log10_p, stated.searched),
            "attainable_log10_p": log10_corrected(primary.attainable_log10_p, stated.searched),
            "critical_odds_ratio": min(
                critical_odds_ratio(found.rank, found.size, stated.alpha / stated.searched)
                for found in ranks
                if found.design in of
            ),
        }
    )
    return CalibrationReport(
        wording=stated.wording,
        a=names[0],
        b=names[1],
        verdict="similar_beyond_panel" if evidence.rejects else "no_evidence",
        evidence=evidence,
        searched=stated.searched,
        software=stated.software,
        created=stated.created,
    ).sealed()


def _lacking(names: Sequence[str], pair: tuple[int, int], design: Design) -> str:
    a, b = (names[i] for i in pair)
    said = f"The table has no score of {a!r:.80} and {b!r:.80}"
    if set(pair) == {0, 1}:
        return f"{said}, which the claim is about; give it."
    return (
        f"{said}, which the design {design!r} reads; give it, or name a design that does not: rows read the scores "
        "of A or of B alone, and twins those of pairs of recipes and with references."
    )


def _check_domain(scores: NDArray[np.float64], names: Sequence[str], scale: Scale) -> None:
    wrong = np.argwhere(outside(scores, scale))
    if len(wrong):
        i, j = wrong[0].tolist()
        low, high = DOMAIN[scale]
        raise InputError(
            f"The score of {names[i]!r:.80} and {names[j]!r:.80} is {float(scores[i, j])!r}, and the scale {scale} "
            f"is of scores above {low:g}"
            + (f" and below {high:g}" if np.isfinite(high) else "")
            + "; give another scale."
        )


def _false_match(
    selection: Selection,
    S: NDArray[np.float64],
    design: Design,
    ranks: Sequence[DesignRank],
    searched: int,
) -> FalseMatch | None:
    """The bound on how often disjoint pairs, or twins, reach the score of A and B; ties count as in the ranks."""
    if design.startswith("twins"):
        among = next(found for found in ranks if found.design == "twins")
        reached, pairs = among.rank - 1, among.size - 1
    else:
        others = selection.panel[2:]
        chosen = disjoint_pairs([selection.models[i].name for i in others])
        found = [float(S[others[i], others[j]]) for i, j in chosen]
        if not found or not np.isfinite(found).all():
            return None
        reached, pairs = sum(score >= S[0, 1] for score in found), len(found)
    return FalseMatch(
        exceedances=int(reached), pairs=pairs, bound=min(1.0, searched * false_match_bound(int(reached), pairs))
    )


def _audit(selection: Selection, S: NDArray[np.float64]) -> Audit | None:
    """The audit of the other models' ranks, each a family of its own where none is declared."""
    others = selection.panel[2:]
    among = S[np.ix_(others, others)]
    if len(others) > MOST_AUDITED or not np.isfinite(among[np.triu_indices(len(others), 1)]).all():
        return None
    models = [selection.models[i] for i in others]
    return audit(among, [model.stratum for model in models], [model.family or model.name for model in models])
