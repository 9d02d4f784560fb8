"""calibrate: turn any similarity score of two models into a calibrated p-value."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection
from datetime import datetime
from typing import Never

from ..base import options, software
from ..base.callable_module import make_callable
from ..wording import LATEST
from .declarations import Labels, Pairs, declared
from .outcome import Settings, conclude
from .record import (
    CLOSER,
    DESIGNS,
    SCALES,
    CalibratedScore,
    Calibration,
    CalibrationReport,
    Closer,
    Design,
    LeftOut,
    NamedModel,
    Scale,
    TableSource,
    TwinPair,
)
from .selection import select
from .table import Scores, read_table

__all__ = [
    "CalibratedScore",
    "Calibration",
    "CalibrationReport",
    "Closer",
    "Design",
    "LeftOut",
    "NamedModel",
    "Scale",
    "TableSource",
    "TwinPair",
    "calibrate",
]

MOST_SEARCHED = 10**9


def calibrate(
    scores: Scores,
    claim: tuple[str, str],
    *,
    names: Collection[str] | None = None,
    design: Design | None = None,
    scale: Scale = "identity",
    closer: Closer = "larger",
    strata: Labels | None = None,
    relatives: Pairs | None = None,
    one_per_family: bool = False,
    recipes: Labels | None = None,
    alpha: float = 1e-2,
    searched: int = 1,
    score_name: str = "score",
    created: str | datetime | None = None,
    **unknown: Never,
) -> CalibrationReport:
    """Rank the score of two models among the scores of others: a p-value for a similarity from anywhere.

    Everything but the scores must be fixed before they are seen; the report records it.

    Parameters
    ----------
    scores : the path of a CSV file (columns ``a,b,score``, or a square table with names), a mapping of pairs of names
        to scores, a list of rows ``(a, b, score)``, or a square array with ``names``; scores of any unit.
    claim : names of A (questioned) and of B (reference) in the table.
    names : names of the rows of an array.
    design : the one design whose rank gives the p-value. By default ``"twins_and_pair_larger"`` with recipes
        (``"twins"`` where scores of strangers are missing or too few), ``"own_kind"`` with strata, else
        ``"pair_larger"``: the larger of the ranks among all pairs by score and by two-way residual. The rest are
        shown and enter no verdict. See docs/calibrate.md.
    scale : scale on which each model's level is taken out: ``"identity"``, ``"log"``, ``"logit"`` or ``"fisher"``.
    closer : whether ``"larger"`` or ``"smaller"`` scores are of closer models.
    strata : kinds of models, of every one: the path of a CSV file with the columns ``name``, ``stratum`` and, if any,
        ``family``; or a mapping of names to strata. Models of one family are relatives.
    relatives : pairs of relatives: the path of a CSV file with the columns ``a,b``, or a list of pairs. Relatives of
        relatives are relatives.
    one_per_family : represent relatives by one of them, chosen by the sha256 of names, and leave out those of A and
        B; without it, declared relatives are refused.
    recipes : recipes of trainings: the path of a CSV file with the columns ``name,recipe``, or a mapping of names to
        recipes, with two models or more each that differ in their seeds alone. Models without a recipe, less A and B,
        are references, whose mean score with a model is its level.
    alpha : level: the largest probability of ``similar_beyond_panel`` for unrelated models, under the null hypothesis
        of the primary design.
    searched : number of pairs that were searched to find this one; the p-value is multiplied by it.
    score_name : what the score is, for the report.
    created : time to record, in ISO 8601 or as a datetime with a time zone; the present by default.
    unknown : always empty; options of other names are refused.

    Returns
    -------
    CalibrationReport

    Raises
    ------
    InputError
        If no score could reach the level with so many models, the table or a declaration cannot be used, or the
        primary design reads a score that is missing.

    Examples
    --------
    >>> rows = [(f"m{i}", f"m{j}", (i * j) % 7 / 10) for i in range(8) for j in range(i)]
    >>> report = calibrate([*rows, ("x", "y", 0.9), *((f"m{i}", c, 0.3) for i in range(8) for c in "xy")], ("x", "y"),
    ...                    alpha=0.05)
    >>> report.verdict, report.ranks["pair_larger"].rank, report.ranks["pair_larger"].size
    ('similar_beyond_panel', 1, 45)
    """
    options.no_others(unknown)
    a, b = _claim(claim)
    stated = Settings(
        score_name=options.text("score_name", score_name),
        closer=options.one_of("closer", closer, CLOSER),
        scale=options.one_of("scale", scale, SCALES),
        alpha=options.fraction("alpha", alpha),
        searched=options.positive("searched", searched, MOST_SEARCHED),
        design=None if design is None else options.one_of("design", design, DESIGNS),
        one_per_family=options.flag("one_per_family", one_per_family),
        software=dict(sorted(({"python": platform.python_version()} | software("scipy", "pydantic")).items())),
        created=options.time("created", created),
        wording=LATEST,
    )
    table = read_table(scores, names)
    models = declared(table.names, strata=strata, recipes=recipes, relatives=relatives)
    selection = select(models, a, b, one_per_family=stated.one_per_family)
    return conclude(selection, table.matrix([model.name for model in selection.models]), table.source, stated)


def _claim(claim: tuple[str, str]) -> tuple[str, str]:
    if isinstance(claim, str | os.PathLike) or not isinstance(claim, Collection) or len(claim) != 2:
        options.refuse("claim", claim, "the names of two models of the table")
    a, b = options.texts("claim", claim)
    return a, b


make_callable(__name__)
