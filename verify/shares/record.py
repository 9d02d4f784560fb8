"""ShareReport: what share of each candidate a child carries, with intervals."""

from __future__ import annotations

import os
from collections.abc import Iterable
from math import inf
from typing import Any, Final, Literal

from pydantic import Field, model_validator

from ..base import Record
from ..base.card import Card, Tone, flat
from ..base.display import Tabular
from ..checkpoint import Architecture
from ..claim.answer import Answer
from ..claim.pages import Sealed
from ..wording import LATEST, said
from .of_base import ChangesOfBase, of_candidate
from .rows import Part

SCHEMA: Final = 1
ROUNDING = 1e-5
"""Share of a child's squares below which what candidates leave unexplained counts as rounding."""
Outcome = Literal[
    "carries_share",
    "no_share",
    "undecided",
    "sum_of_changes",
    "changes_in_part",
    "changes_not_found",
    "changes_not_told",
]
"""Whether any interval excludes 0; ``undecided`` where no candidate has a finite one. With a base, whether
essentially all numbers that the child changed in it are sums of multiples of candidates' changes, some, or none that
can be told."""


class ShareModel(Record):
    """A model of the comparison, as it was read."""

    name: str
    """Folder or file name, never a path."""
    origin: str | None = None
    """Address it was read from; None for local files."""
    revision: str | None = None
    """Commit of the files, if their place keeps a history."""
    merged_onto: str | None = None
    """Base that an adapter was merged onto; None for a whole model."""
    declared_bases: tuple[str, ...] = ()
    """Names of the base models that it declares; no evidence."""
    architecture: Architecture
    rows_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Over the rows that were read, as float32."""
    bytes_read: int = Field(ge=0)
    non_finite: int = Field(default=0, ge=0)
    """Entries read that are not finite, which count as zeros."""


class Estimate(Record):
    """One share."""

    estimate: float | None
    """That fits best; None where nothing of the candidate is beyond the others."""
    low: float | None
    high: float | None
    """Ends of the interval; both None where it is the whole line."""
    p: float = Field(gt=0, le=1)
    """Of no share; at least 1 over one more than the permutations; the larger one by itself and beyond the others."""
    alone: bool = False
    """Whether it is of the candidate by itself, though others are given: by itself there may be none."""
    units: int = Field(ge=0)
    """Units compared."""

    @model_validator(mode="after")
    def _is_an_interval(self) -> Estimate:
        low, high = self.interval
        between = self.estimate is None or low - 1e-9 <= self.estimate <= high + 1e-9
        if (self.low is None) != (self.high is None) or low > high or not between:
            raise ValueError(f"is an interval from {self.low} to {self.high} around {self.estimate}")
        return self

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends, infinite where it is the whole line."""
        return (-inf if self.low is None else self.low, inf if self.high is None else self.high)

    @property
    def excludes_zero(self) -> bool:
        """Whether there is a share, at the level of the interval."""
        low, high = self.interval
        return low > 0 or high < 0


class PartShare(Record):
    """The share in a part of the model: MLPs, attention (value channels), or the tables of tokens."""

    part: Part
    share: Estimate


class LayerShare(Record):
    """The share in one layer of the child."""

    layer: int = Field(ge=0)
    """Layer of the child, from 0."""
    of: int = Field(ge=0)
    """Layer of the candidate that it is compared with."""
    chosen: bool
    """Whether that one was chosen since its units fit; else by its number."""
    share: Estimate | None
    """Over MLP and attention; None where nothing could be compared."""


class CandidateShare(Record):
    """What a child carries of one candidate, beyond all others."""

    model: ShareModel
    relatives: tuple[int, ...] = ()
    """Other candidates of one origin with it, by their number from 1; then nothing is said of it alone."""
    ordered: tuple[Part, ...] = ()
    """Parts left out, as the units of child and candidate look ordered."""
    whole: Estimate | None = None
    """Over MLP and attention of all layers; None with relatives, or where nothing could be compared."""
    parts: tuple[PartShare, ...] = Field(default=(), max_length=3)
    layers: tuple[LayerShare, ...] = Field(default=(), max_length=1 << 12)
    fit: float | None = None
    """The best fit of all candidates together, of one number each, by least squares; a description."""


def _estimates(candidate: CandidateShare) -> list[Estimate]:
    found = [candidate.whole, *(part.share for part in candidate.parts), *(at.share for at in candidate.layers)]
    return [one for one in found if one is not None]


class ShareReport(Tabular, Sealed):
    """The result of :func:`verify.share`."""

    kind: Literal["share"] = "share"
    schema_version: Literal[1] = 1
    wording: int = Field(default=LATEST, ge=1)
    """Version of the catalogue of sentences at the time the report was made."""
    child: ShareModel
    candidates: tuple[CandidateShare, ...] = Field(min_length=1, max_length=64)
    level: float = Field(ge=0.5, le=0.9999)
    """Confidence level, of all candidates together for whole models, of all their parts, and of all their layers."""
    permutations: int = Field(ge=1, le=10**9)
    """Drawn for each interval, of which there are none with a base."""
    seed: int = Field(ge=1, lt=2**31)
    """Of the draws, also those by which sums of changes are found."""
    unexplained: float = Field(ge=0, le=1 + 1e-9)
    """Share of the child's squares, after scaling, that no sum of candidates gives, free in each block."""
    changes: ChangesOfBase | None = None
    """What the child holds of the candidates' changes of a base; None if none was given. With one there are no
    shares: what the child has of the base it would have of every candidate."""
    software: dict[str, str]
    """Versions of the software that computed the report."""
    created: str
    """Time at which the report was made, ISO 8601, UTC."""
    digest: str = ""
    """``sha256:`` over the canonical JSON of everything else."""

    @model_validator(mode="after")
    def _relatives_are_candidates(self) -> ShareReport:
        for number, one in enumerate(self.candidates, start=1):
            if not {*one.relatives} <= {*range(1, len(self.candidates) + 1)} - {number}:
                raise ValueError(f"has relatives {one.relatives!r:.80} of candidate {number}, which are no others")
            if one.relatives and (one.whole or one.parts or one.layers):
                raise ValueError(f"has shares of candidate {number}, which has relatives")
            if any(found.p < 1 / (self.permutations + 1) - 1e-12 for found in _estimates(one)):
                raise ValueError(f"has a p of candidate {number} below that of one permutation")
            if self.changes is not None and (one.relatives or one.ordered or _estimates(one)):
                raise ValueError(f"has shares of candidate {number}, though a base is given")
        if self.changes is not None and len(self.changes.numbers) != len(self.candidates) + 2:
            raise ValueError(f"has changes of {len(self.changes.numbers) - 2} candidates, of {len(self.candidates)}")
        return self

    @property
    def outcome(self) -> Outcome:
        """Whether any interval excludes 0; with a base, what was found of changes."""
        if self.changes is not None:
            return self.changes.status
        wholes = [one.whole for one in self.candidates if one.whole is not None]
        if any(whole.excludes_zero for whole in wholes):
            return "carries_share"
        return "no_share" if any(whole.low is not None for whole in wholes) else "undecided"

    @property
    def sum_of(self) -> tuple[CandidateShare, ...]:
        """Candidates whose shares exclude 0, if together they leave no more than rounding; else none."""
        found = tuple(one for one in self.candidates if one.whole is not None and one.whole.excludes_zero)
        return found if self.unexplained < ROUNDING and len(found) > 1 else ()

    @property
    def answer(self) -> Answer:
        """The first lines of the report, in words."""
        from .said import answer

        return answer(self)

    @property
    def names(self) -> tuple[str, str]:
        """Names of the child and of the first candidate."""
        return self.child.name, self.candidates[0].model.name

    @property
    def labelled(self) -> tuple[tuple[str, str], ...]:
        """The child as C, the candidates as A1, A2 and so on, and the base as P."""
        base = () if self.changes is None else (("P", self.changes.base.name),)
        candidates = ((self.label(n), one.model.name) for n, one in enumerate(self.candidates))
        return (("C", self.child.name), *candidates, *base)

    @property
    def checked(self) -> str:
        """What a replay of the record alone checks."""
        return "that it is as it was sealed and its numbers fit one another"

    def named(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """What the page calls candidates.

        Parameters
        ----------
        numbers : from 1.
        """
        return tuple(self.label(number - 1) for number in numbers)

    def label(self, number: int) -> str:
        """What the page calls a candidate."""
        return f"A{number + 1}" if len(self.candidates) > 1 else "A"

    @property
    def limitations(self) -> tuple[str, ...]:
        """What the report does not show."""
        from .said import limitations

        return tuple(said(limitations(self), version=self.wording))

    @staticmethod
    def from_json(source: str | os.PathLike[str]) -> ShareReport:
        """Read a report from a path or from JSON text.

        Raises
        ------
        ReportError
            If there is no such file, it is no report of shares, or its digest does not fit its content.
        """
        from .reading import KIND

        return KIND.intact(source)

    def __repr__(self) -> str:
        return f"ShareReport({self.child.name!r:.100}: {self.outcome}, {self.digest[:23]})"

    def _card(self) -> Card:
        found = self.answer
        tones: dict[Outcome, Tone] = {
            "carries_share": "red",
            "no_share": "blue",
            "undecided": "grey",
            "sum_of_changes": "red",
            "changes_in_part": "red",
            "changes_not_found": "blue",
            "changes_not_told": "grey",
        }
        report = f"{self.child.name!r:.100}, {self.digest}"
        facts = (*found.lines, ("Report", report))
        return Card(f"{found.word}: {found.sentence}", facts, tuple(self.to_dicts()), tones[self.outcome])

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each candidate and part, the whole first: name, part, share, interval and p.

        With a base, one for each candidate: tensors judged, those that hold its change, the weight where it stands
        alone, counts of telling numbers, and what least squares say.
        """
        if self.changes is not None:
            return [
                {"candidate": one.model.name, **of_candidate(self.changes, n)}
                for n, one in enumerate(self.candidates, start=1)
            ]
        return [
            {"candidate": one.model.name, "part": part, **flat(found)}
            for one in self.candidates
            for part, found in (("whole", one.whole), *((p.part, p.share) for p in one.parts))
            if found is not None
        ]

    def to_layer_dicts(self) -> list[dict[str, Any]]:
        """One row for each candidate and layer of the child; none with a base."""
        return [
            {"candidate": one.model.name, "layer": at.layer, "of": at.of, "chosen": at.chosen, **flat(at.share)}
            for one in self.candidates
            for at in one.layers
            if at.share is not None
        ]

    def to_tensor_dicts(self) -> list[dict[str, Any]]:
        """One row for each tensor of a base: counts, and candidates whose change it holds; none without a base."""
        kept = ("name", "dtype", "entries", "changed", "decayed", "told", "explained")
        return [
            {name: getattr(one, name) for name in kept} | {"judged": one.judged, "held": self.named(one.held)}
            for one in (() if self.changes is None else self.changes.tensors)
        ]
