"""CalibrationReport: a claim on the similarity of two named models, calibrated by a table of scores."""

from __future__ import annotations

import os
from itertools import combinations
from math import log10
from typing import Any, Final, Literal, get_args

from pydantic import Field, model_validator

from ..base import Phrase, Record
from ..base.card import flat
from ..base.display import Drawn, Tabular, frame
from ..claim.answer import Answer
from ..claim.pages import Sealed
from ..panel import Audit, FalseMatch
from ..statistics import DesignRank
from ..wording import LATEST
from ..wording import said as spoken

SCHEMA: Final = 1
Scale = Literal["identity", "log", "logit", "fisher"]
"""Scale on which each model's level is taken out; Fisher's z is the inverse hyperbolic tangent."""
LARGEST_SCORE = 1e100
"""Of sums of scores none is infinite."""
SCALES: tuple[Scale, ...] = get_args(Scale)
Closer = Literal["larger", "smaller"]
CLOSER: tuple[Closer, ...] = get_args(Closer)
Design = Literal[
    "pair",
    "pair_residual",
    "pair_larger",
    "own_kind",
    "row_a",
    "row_b",
    "stratum",
    "stratum_residual",
    "twins",
    "twins_and_pair_larger",
]
"""Designs that may be primary: see docs/calibrate.md."""
DESIGNS: tuple[Design, ...] = get_args(Design)
Calibration = Literal["similar_beyond_panel", "no_evidence"]
"""The verdicts. No score of this kind establishes dependence."""


class TableSource(Record):
    """Where the scores came from."""

    name: str = ""
    """Name of the file, without its folder; empty if the scores were given in Python."""
    of: Literal["file", "rows"]
    """What the digest is of: the bytes of the file or, if given in Python, the canonical JSON (RFC 8785) of the list
    of all rows ``[a, b, score]``, names in order within a row, rows in order."""
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    models: int
    """Number of models in the table."""
    pairs: int
    """Number of pairs with a score."""


class NamedModel(Record):
    """A model of the table, and what was declared of it."""

    name: str
    stratum: str = ""
    family: str = ""
    """Models of one family are relatives; empty for a model without any."""
    recipe: str = ""
    """Models of one recipe differ in their seeds alone; empty for a reference model."""


class LeftOut(NamedModel):
    """A model of the table that no rank uses, for a reason that is never a score."""

    reason: Phrase


class TwinPair(Record):
    """Two models of one recipe, chosen by the sha256 of their names, and their score."""

    recipe: str
    a: str
    b: str
    score: float
    """On the scale, oriented so that larger is closer, less the level of each model if there are references."""


class CalibratedScore(Record):
    """The line of evidence: scores, designs, ranks and what follows from them."""

    kind: Literal["calibrated_score"] = "calibrated_score"
    name: str
    """Name of the score, as stated."""
    source: TableSource
    closer: Closer
    """Whether larger or smaller scores are of closer models."""
    scale: Scale
    alpha: float = Field(gt=0, lt=1)
    """Level, fixed in advance."""
    primary_design: Design
    """The one design whose rank gives the p-value, fixed before any score was looked at."""
    stated_design: bool
    """Whether the caller named it; else it follows from what was declared."""
    one_per_family: bool = False
    """Whether each declared family is represented by one model, chosen by the sha256 of names."""
    score: float
    """The score of A and B, as in the table."""
    models: tuple[NamedModel, ...]
    """A, B, and the models that they are compared with, by name."""
    scores: tuple[float | None, ...]
    """Scores as in the table, of pairs of ``models`` in the order (A, B), (A, third), ..., (B, third), ...; None
    where the table has none."""
    left_out: tuple[LeftOut, ...] = ()
    ranks: tuple[DesignRank, ...]
    """The rank by every design whose scores are known; only the primary one enters the p-value.
    ``twins_and_pair_larger`` has rank, size and p of whichever of its two ranks has the larger p."""
    log10_p: float
    """log10 p of the primary design, multiplied by the number of pairs searched."""
    attainable_log10_p: float
    """The smallest log10 p that it could have given, likewise."""
    twins: tuple[TwinPair, ...] = ()
    """Pairs of the recipes, if their scores are known."""
    twin_score: float | None = None
    """The score of A and B as those of twins are taken; None without twins."""
    critical_odds_ratio: float
    """Gamma*: the result would be overturned only if pairs like this one were at least this many times as likely
    (odds) to be chosen as others; below 1, the level is not reached."""
    false_match: FalseMatch | None
    """How often disjoint pairs of the other models, or twins, reach the score of A and B; None where the table lacks
    their scores, or there is no such pair."""
    audit: Audit | None
    """Audit of the ranks of the other models; None for fewer than six, more than 400, or an incomplete table."""

    @model_validator(mode="after")
    def _each_pair_has_its_place(self) -> CalibratedScore:
        n = len(self.models)
        if n < 3 or len(self.scores) != n * (n - 1) // 2:
            raise ValueError(f"holds {len(self.scores)} scores of {n} models, and each pair has one place")
        names = [model.name for model in (*self.models, *self.left_out)]
        if len(set(names)) < len(names):
            raise ValueError(f"names the model {max(names, key=names.count)!r:.80} twice")
        if any(score is not None and abs(score) > LARGEST_SCORE for score in self.scores):
            raise ValueError(f"holds a score beyond {LARGEST_SCORE:g}")
        if not self._primaries:
            raise ValueError(f"has no rank by its primary design, {self.primary_design}")
        return self

    @property
    def primary(self) -> DesignRank:
        """The rank by the primary design."""
        return self._primaries[0]

    @property
    def _primaries(self) -> list[DesignRank]:
        named = {self.primary_design, self.primary_design.replace("stratum", "two_strata")}
        return [found for found in self.ranks if found.design in named]

    @property
    def rejects(self) -> bool:
        """Whether p is at most the level."""
        return self.log10_p <= log10(self.alpha) + 1e-12  # of rounding


class CalibrationReport(Tabular, Drawn, Sealed):
    """The result of :func:`verify.calibrate`: more alike than expected, or not, and by what null hypothesis.

    It knows A and B by name alone. Its verdict is never ``dependent``.
    """

    kind: Literal["calibration"] = "calibration"
    schema_version: Literal[1] = 1
    wording: int = Field(default=LATEST, ge=1)
    """Version of the catalogue of sentences at the time the report was made."""
    a: str
    """Name of the questioned model."""
    b: str
    """Name of the reference."""
    verdict: Calibration
    evidence: CalibratedScore
    searched: int = Field(default=1, ge=1, le=10**9)
    """Pairs of models that were searched for this one; p is multiplied by it."""
    software: dict[str, str]
    """Versions of the software that computed the report."""
    created: str
    """Time at which the report was made, ISO 8601, UTC."""
    digest: str = ""
    """``sha256:`` over the canonical JSON of everything else."""

    @model_validator(mode="after")
    def _evidence_is_of_the_pair(self) -> CalibrationReport:
        if tuple(model.name for model in self.evidence.models[:2]) != (self.a, self.b):
            raise ValueError("is of A and B of other names than its evidence")
        return self

    @property
    def log10_p(self) -> float:
        """log10 p of the primary design, multiplied by the number of pairs searched."""
        return self.evidence.log10_p

    @property
    def ranks(self) -> dict[str, DesignRank]:
        """The ranks by design."""
        return {found.design: found for found in self.evidence.ranks}

    @property
    def finding(self) -> str:
        """What is guaranteed, then the p-value, and the condition under which it holds."""
        from .said import finding

        return " ".join(spoken(finding(self), version=self.wording))

    @property
    def answer(self) -> Answer:
        """The first lines of the report, in words."""
        from .said import answer

        return answer(self)

    @property
    def names(self) -> tuple[str, str]:
        """Names of A and B."""
        return self.a, self.b

    @property
    def limitations(self) -> tuple[str, ...]:
        """What the report does not show."""
        from .said import limitations

        return tuple(spoken(limitations(self), version=self.wording))

    @staticmethod
    def from_json(source: str | os.PathLike[str]) -> CalibrationReport:
        """Read a report from a path or from JSON text.

        Raises
        ------
        ReportError
            If there is no such file, it is not a calibration report, or its digest does not fit its content.
        """
        from .reading import KIND

        return KIND.intact(source)

    def __repr__(self) -> str:
        return f"CalibrationReport({self.a!r:.100}, {self.b!r:.100}: {self.verdict}, {self.digest[:23]})"

    def _looked_at(self) -> list[dict[str, Any]]:
        return self.to_dicts()

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each design: rank, size and p-values."""
        return [flat(entry) for entry in self.evidence.ranks]

    def to_score_frame(self) -> Any:
        """One row for each pair that the ranks are of, as a pandas DataFrame: names and score.

        Raises
        ------
        VerifyError
            If pandas is not installed.
        """
        pairs = combinations((model.name for model in self.evidence.models), 2)
        return frame(
            [{"a": a, "b": b, "score": score} for (a, b), score in zip(pairs, self.evidence.scores, strict=True)]
        )
