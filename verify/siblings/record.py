"""BeyondReport: whether two fine-tunes of one base share more than the base, and what each left of it."""

from __future__ import annotations

import os
from math import log10
from typing import Any, Final, Literal, get_args

from pydantic import Field, model_validator

from ..base import Record
from ..base.card import Card, Tone
from ..base.display import Tabular
from ..claim.answer import Answer
from ..claim.pages import Sealed
from ..panel import FalseMatch
from ..statistics import DesignRank
from ..wording import LATEST, said

SCHEMA: Final = 1
Outcome = Literal["shares_derivation", "not_closer", "unlike_siblings", "counted", "as_base"]
"""Whether A and B are closer than siblings are; ``unlike_siblings`` if A or B is like none of them, or both are more
like all of a kind than these are; ``counted``
without any; ``as_base`` if A or B changed no matrix."""
Side = Literal["A", "B"]
SIDES: tuple[Side, ...] = get_args(Side)
Reason = Literal["missing", "shape", "quantised"]
Number = Literal["cosine", "partial", "signs", "equal", "row_spaces"]
NUMBERS: tuple[Number, ...] = get_args(Number)
_MOST_SIBLINGS = 1000


class BeyondModel(Record):
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
    numbers_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Over the numbers of the tensors that it has in common with the base, as float64, and over their names and
    shapes."""
    non_finite: int = Field(default=0, ge=0)
    """Numbers that are not finite, which count as unchanged."""
    near: float | None = None
    """Cosine of its matrices with the base's; None for the base itself."""
    directions: int = Field(default=0, ge=0)
    """Directions in which its matrices were changed: the ranks of its changes, as far as rows are read, summed."""


class Sibling(Record):
    """A model that was declared unrelated to all others beyond the base."""

    model: BeyondModel
    kind: str = ""
    """As declared, such as the data that it was trained on; siblings of one kind are drawn alike."""


class TensorLeft(Record):
    """What A and B left as in the base of one tensor."""

    name: str
    dtype: str
    """Type that the numbers of all three are rounded to: the coarser of A's and B's."""
    entries: int = Field(ge=0)
    """Numbers that are finite in all three."""
    same_a: int = Field(ge=0)
    """Those that are as in the base in A, to the bit."""
    same_b: int = Field(ge=0)
    same_both: int = Field(ge=0)
    equal: int = Field(ge=0)
    """Of the numbers that both changed, those that are equal in A and B, to the bit."""
    ranked: bool
    """Whether all siblings have the tensor, so that similarities are of it too."""

    @model_validator(mode="after")
    def _counts_fit(self) -> TensorLeft:
        least = max(0, self.same_a + self.same_b - self.entries)
        if (
            not least <= self.same_both <= min(self.same_a, self.same_b)
            or max(self.same_a, self.same_b) > self.entries
        ):
            raise ValueError(f"counts more equal numbers of {self.name!r:.80} than it has")
        if self.equal > self.changed:
            raise ValueError(f"counts more numbers of {self.name!r:.80} than both models changed")
        return self

    @property
    def changed(self) -> int:
        """Numbers that both changed."""
        return self.entries - self.same_a - self.same_b + self.same_both


class NotCompared(Record):
    """A tensor of the base that A or B has not, or has otherwise."""

    name: str
    model: Side
    reason: Reason


class OtherNumber(Record):
    """A further number of A and B beside those of other pairs; none of them has a p-value."""

    name: Number
    value: float | None
    """Of A and B; None where there is none, as of row spaces where no change is of low rank."""
    among: int = Field(default=0, ge=0)
    """Pairs with siblings that have one: of two siblings, or of A or B with one."""
    reached: int = Field(default=0, ge=0)
    """Those of them that reach it."""
    median: float | None = None
    """Of those pairs."""
    largest: float | None = None


class Closeness(Record):
    """The rank of A and B among siblings, and what follows from it."""

    alpha: float = Field(gt=0, lt=1)
    """Level, fixed in advance."""
    searched: int = Field(ge=1, le=10**9)
    """Pairs of models that were searched for this one; p is multiplied by it."""
    scores: tuple[float, ...]
    """Similarities of pairs of A, B and the siblings, in the order (A, B), (A, first), ..., (B, first), ..."""
    rank: int = Field(ge=1)
    """The larger one, by similarity and above the levels of the models, among all pairs."""
    pairs: int = Field(ge=1)
    """All pairs."""
    size: int = Field(ge=1)
    """Pairs of A, B and the siblings of the smallest kind: rank over size, at most 1, is the p-value."""
    nearest: tuple[float, float]
    """Similarity of A, and of B, with its nearest sibling."""
    least_nearest: float
    """The least of those of siblings, each with its nearest other sibling."""
    lighter: bool
    """Whether A and B are both more like all siblings of some kind than each of these is like the others."""
    unlike: tuple[Side, ...]
    """Of A and B those whose nearest sibling is less similar than that, or both if lighter; then p is 1."""
    log10_p: float = Field(le=0)
    attainable_log10_p: float = Field(le=0)
    """The smallest that it could have been."""
    rows: tuple[DesignRank, ...]
    """The ranks among pairs with A, and with B, alone; shown beside the p-value, and no part of it."""
    critical_odds_ratio: float
    """Gamma*: by how much likelier (odds) pairs like this one would have to be chosen for the result to fall."""
    false_match: FalseMatch
    """How often disjoint pairs of siblings reach the similarity of A and B."""

    @property
    def rejects(self) -> bool:
        """Whether p is at most the level."""
        return self.log10_p <= log10(self.alpha) + 1e-12


class BeyondReport(Tabular, Sealed):
    """The result of :func:`verify.beyond`."""

    kind: Literal["beyond"] = "beyond"
    schema_version: Literal[1] = 1
    wording: int = Field(default=LATEST, ge=1)
    """Version of the catalogue of sentences at the time the report was made."""
    base: BeyondModel
    a: BeyondModel
    b: BeyondModel
    siblings: tuple[Sibling, ...] = Field(default=(), max_length=_MOST_SIBLINGS)
    similarity: float | None
    """Cosine of the directions in which A and B changed the matrices of the base; None if one changed none."""
    numbers: tuple[OtherNumber, ...]
    """Further numbers of A and B."""
    entries: int = Field(ge=0)
    """Numbers that base and all models have in common."""
    closeness: Closeness | None = None
    """None without siblings, or if A or B changed nothing."""
    tensors: tuple[TensorLeft, ...]
    """In the order of their names in the base."""
    not_compared: tuple[NotCompared, ...] = ()
    software: dict[str, str]
    """Versions of the software that computed the report."""
    created: str
    """Time at which the report was made, ISO 8601, UTC."""
    digest: str = ""
    """``sha256:`` over the canonical JSON of everything else."""

    @model_validator(mode="after")
    def _each_pair_has_its_place(self) -> BeyondReport:
        n = len(self.siblings) + 2
        if self.closeness is not None and (len(self.closeness.scores) != n * (n - 1) // 2 or n < 5):
            raise ValueError(f"holds {len(self.closeness.scores)} similarities of {n} models")
        if self.closeness is not None and self.closeness.scores[0] != self.similarity:
            raise ValueError("ranks another similarity than that of A and B")
        if (self.similarity is None) is not bool(self.unchanged):
            raise ValueError("has a similarity of A and B, or none, against what they changed")
        if [one.name for one in self.numbers] != [*NUMBERS]:
            raise ValueError("lacks one of the further numbers, or has one twice")
        if (self.closeness is None) is not bool(not self.siblings or self.unchanged):
            raise ValueError("has siblings and no rank among them, or a rank without")
        return self

    @property
    def outcome(self) -> Outcome:
        """Whether A and B are closer than siblings are."""
        if self.unchanged:
            return "as_base"
        if self.closeness is None:
            return "counted"
        if self.closeness.unlike:
            return "unlike_siblings"
        return "shares_derivation" if self.closeness.rejects else "not_closer"

    @property
    def unchanged(self) -> tuple[str, ...]:
        """``A``, ``B`` or both, if they changed no matrix."""
        return tuple(label for label, model in (("A", self.a), ("B", self.b)) if not model.directions)

    @property
    def total(self) -> TensorLeft:
        """The counts of all tensors together."""
        names = ("entries", "same_a", "same_b", "same_both", "equal")
        sums = {name: sum(getattr(one, name) for one in self.tensors) for name in names}
        return TensorLeft(name="", dtype="", ranked=False, **sums)

    @property
    def log10_p(self) -> float | None:
        """log10 p of A and B being no closer than siblings are; None without siblings."""
        return None if self.closeness is None else self.closeness.log10_p

    @property
    def answer(self) -> Answer:
        """The first lines of the report, in words."""
        from .said import answer

        return answer(self)

    @property
    def names(self) -> tuple[str, str]:
        """Names of A and B."""
        return self.a.name, self.b.name

    @property
    def labelled(self) -> tuple[tuple[str, str], ...]:
        """A, B and the base as P."""
        return (("A", self.a.name), ("B", self.b.name), ("P", self.base.name))

    @property
    def checked(self) -> str:
        """What a replay of the record alone checks."""
        ranked = self.closeness is not None
        return "that its rank and p-value follow from its similarities" if ranked else "that it is as it was sealed"

    @property
    def limitations(self) -> tuple[str, ...]:
        """What the report does not show."""
        from .said import limitations

        return tuple(said(limitations(self), version=self.wording))

    @staticmethod
    def from_json(source: str | os.PathLike[str]) -> BeyondReport:
        """Read a report from a path or from JSON text.

        Raises
        ------
        ReportError
            If there is no such file, it is no report of this kind, or its digest does not fit its content.
        """
        from .reading import KIND

        return KIND.intact(source)

    def __repr__(self) -> str:
        return f"BeyondReport({self.a.name!r:.100}, {self.b.name!r:.100}: {self.outcome}, {self.digest[:23]})"

    def _card(self) -> Card:
        found = self.answer
        tones: dict[Outcome, Tone] = {
            "shares_derivation": "amber",
            "not_closer": "blue",
            "unlike_siblings": "grey",
            "counted": "grey",
            "as_base": "grey",
        }
        report = "A {!r:.100}, B {!r:.100}, {}".format(*self.names, self.digest)
        facts = (*found.lines, ("Report", report))
        return Card(f"{found.word}: {found.sentence}", facts, tuple(self.to_dicts()), tones[self.outcome])

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each number of A and B, the similarity first: name, value, and those of other pairs."""
        rows = [one.model_dump() for one in self.numbers]
        p = {} if self.closeness is None else {"log10_p": self.closeness.log10_p}
        return [{"name": "similarity", "value": self.similarity} | p, *rows]

    def to_tensor_dicts(self) -> list[dict[str, Any]]:
        """One row for each tensor: what A and B left as in the base."""
        return [one.model_dump() | {"changed": one.changed} for one in self.tensors]
