"""ChangesOfBase: what a child holds of the changes that candidates made to a common base, by counts.

Nothing here is a test: changes of unrelated models share the base, and no symmetry gives counts of them a law. Which
counts say that a change is held, and what the counts are of: :mod:`verify.shares.changes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field, model_validator

from ..base import Record
from ..checkpoint import Opened
from .changes import Found, Own, TensorFound, holds
from .sums import LEAST

ALL = 0.99
"""Share of the changed numbers that agree with sums where a child is said to be one."""
ALIKE = 10.0
"""Variance inflation above which a coefficient of least squares says little of one candidate."""
FEWEST = 2
"""Tensors that have to hold a candidate's change, where so many are judged."""

Status = Literal["sum_of_changes", "changes_in_part", "changes_not_found", "changes_not_told"]
"""Whether essentially all numbers that the child changed are sums of candidates' changes, some, or none."""
Why = Literal["none_compared", "as_in_base", "none_changed", "too_few", "in_steps", "alike"]
"""Why nothing can be told: no tensor could be compared; the child is as the base; so are the candidates; too few
numbers changed by much more than rounding; those that did are on a grid or changed by sizes or multiples of the base
that many have; or sums of several candidates agree alike."""
Refused = Literal["missing", "shape", "quantised"]


class ShareBase(Record):
    """The base, as it was read."""

    name: str
    """Folder or file name, never a path."""
    origin: str | None = None
    """Address it was read from; None for local files."""
    revision: str | None = None
    """Commit of the files, if their place keeps a history."""


class NumbersRead(Record):
    """What was read of a model beside the base."""

    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """Over the numbers of the tensors that it has in common with the base, as float64, and over their names and
    shapes."""
    non_finite: int = Field(default=0, ge=0)
    """Numbers that are not finite, which count as unchanged."""
    near: float | None = None
    """Cosine of its matrices with the base's; None for the base itself."""


class SumOfChanges(Record):
    """Multiples of candidates' changes with which numbers of a tensor agree."""

    candidates: tuple[int, ...] = Field(min_length=1)
    """By their number from 1."""
    weights: tuple[float, ...]
    """The multiple of each one's change."""
    base: float = 0.0
    """Multiple of the base's own numbers that is added, where it is not 0."""
    agree: int = Field(ge=0)
    """Of the numbers that the child changed, those that agree, up to rounding."""


class OwnNumbers(Record):
    """Telling numbers of a tensor that count for one candidate."""

    candidate: int = Field(ge=1)
    agree: int = Field(ge=0)
    """Agree with a sum in which its change is beyond rounding."""
    only: int = Field(ge=0)
    """Of those, agree with no sum without it."""
    elsewhere: int = Field(ge=0)
    """Would, if its change, and no other, stood half a row further."""
    beside: int = Field(ge=0)
    """Agree with nothing, and miss such a sum by up to three times its bounds."""


class ChangedTensor(Record):
    """A tensor of the base, beside the child's."""

    name: str
    dtype: str
    """Type that all numbers are rounded to: the coarsest that child or candidates have."""
    of_tokens: bool
    """Whether it is a table with a row for each token: rows that no text has move alike in all trainings, so it is
    counted and not judged."""
    entries: int = Field(ge=0)
    """Numbers that are finite in all models that have it."""
    changed: int = Field(ge=0)
    """Those that are not as in the base, in the child."""
    decayed: int = Field(ge=0)
    """Of those, what child or candidate changed as decay does, which tells nothing."""
    repeated: int = Field(default=0, ge=0)
    """Of the others, those changed by a size that many have, as by few steps of a sign-based optimiser: they tell
    nothing."""
    on_grid: bool = False
    """Whether the child's numbers lie on a grid coarser than their type, as quantisation leaves them: two models that
    were quantised from one base agree there, so the tensor is counted and not judged."""
    told: int = Field(ge=0)
    """Of those, what tells: changed by much more than rounding, not as decay does, and not by a size that many
    have."""
    explained: int = Field(ge=0)
    """Of the changed, what agrees with a sum."""
    explained_told: int = Field(ge=0)
    """Of the telling, what agrees with a sum."""
    sums: tuple[SumOfChanges, ...] = ()
    own: tuple[OwnNumbers, ...] = ()
    """Of each candidate that has the tensor, in their order."""
    coefficients: tuple[float | None, ...]
    """Of each candidate's change in the least squares fit to the child's; None of one that lacks the tensor."""
    residual: float | None
    """Share of the squares of the child's change that the fit leaves; None where the child changed nothing."""

    @model_validator(mode="after")
    def _counts_fit(self) -> ChangedTensor:
        if not (
            self.explained_told <= min(self.told, self.explained)
            and max(self.explained, self.decayed + self.repeated + self.told) <= self.changed <= self.entries
            and all(one.agree <= self.changed for one in self.sums)
            and all(one.only <= one.agree <= self.told for one in self.own)
            and all(max(one.elsewhere, one.beside) <= self.told for one in self.own)
        ):
            raise ValueError(f"counts more numbers of {self.name!r:.80} than it has")
        if any(len(one.candidates) != len(one.weights) for one in self.sums):
            raise ValueError(f"has a sum in {self.name!r:.80} without a weight for each candidate")
        return self

    @property
    def seen(self) -> bool:
        """Whether enough numbers tell."""
        return self.told >= LEAST

    @property
    def judged(self) -> bool:
        """Whether it says which candidates' changes are held."""
        return self.seen and not self.of_tokens and not self.on_grid and bool(self.own)

    @property
    def held(self) -> tuple[int, ...]:
        """Candidates whose change it holds, by their number from 1."""
        counts = ((one.candidate, Own(one.agree, one.only, one.elsewhere, one.beside)) for one in self.own)
        return tuple(number for number, own in counts if self.judged and holds(own, self.told))

    @property
    def layer(self) -> str:
        """The layer that its name states; empty outside of layers."""
        return next((part for part in self.name.split(".") if part.isdigit()), "")

    @property
    def part(self) -> str:
        """Its name without the number of the layer."""
        return ".".join("*" if part.isdigit() else part for part in self.name.split("."))


class TensorNotCompared(Record):
    """A tensor of the base that a model has not, or has otherwise."""

    name: str
    candidate: int = Field(ge=0)
    """By its number from 1; 0 for the child."""
    reason: Refused


class Weights(NamedTuple):
    """Weights of a change over tensors."""

    median: float
    low: float
    high: float
    tensors: int


class ChangesOfBase(Record):
    """What a child holds of its candidates' changes of a base."""

    base: ShareBase
    numbers: tuple[NumbersRead, ...] = Field(min_length=3)
    """Of the base, the child and the candidates."""
    tensors: tuple[ChangedTensor, ...]
    """In the order of their names in the base; those that the child has."""
    not_compared: tuple[TensorNotCompared, ...] = ()
    cosines: tuple[tuple[float | None, ...], ...]
    """Of the changes of the child and the candidates with one another, over the tensors that all have; None of one
    that changed nothing."""
    coefficients: tuple[float | None, ...]
    """Of each candidate's change in the least squares fit to the child's over these; None of one that changed
    nothing."""
    inflation: tuple[float | None, ...]
    """Variance inflation factor of each: 1 if its change is orthogonal to the others', large if it is nearly a sum of
    them, so that its coefficient says little; None where it is one."""
    residual: float | None
    """Share of the squares of the child's change that the fit leaves."""

    @model_validator(mode="after")
    def _one_for_each_candidate(self) -> ChangesOfBase:
        count = len(self.numbers) - 2
        sizes = {len(self.coefficients), len(self.inflation), len(self.cosines) - 1}
        sizes |= {len(row) - 1 for row in self.cosines} | {len(one.coefficients) for one in self.tensors}
        numbers = {k for t in self.tensors for one in t.sums for k in one.candidates}
        numbers |= {one.candidate for t in self.tensors for one in t.own}
        if sizes != {count} or not numbers <= {*range(1, count + 1)}:
            raise ValueError(f"has numbers that are not of its {count} candidates")
        return self

    @property
    def held(self) -> tuple[int, ...]:
        """Candidates whose change is held in at least two judged tensors, or in the only one; by number from 1."""
        enough = min(FEWEST, sum(one.judged for one in self.tensors))
        return tuple(k for k in range(1, len(self.numbers) - 1) if enough and len(self.holding(k)) >= enough)

    def holding(self, candidate: int) -> tuple[ChangedTensor, ...]:
        """The judged tensors that hold a candidate's change.

        Parameters
        ----------
        candidate : by its number from 1.
        """
        return tuple(one for one in self.tensors if candidate in one.held)

    def own(self, candidate: int) -> OwnNumbers:
        """The counts for a candidate over all judged tensors.

        Parameters
        ----------
        candidate : by its number from 1.
        """
        found = [one for t in self.tensors if t.judged for one in t.own if one.candidate == candidate]
        names = ("agree", "only", "elsewhere", "beside")
        return OwnNumbers(candidate=candidate, **{name: sum(getattr(one, name) for one in found) for name in names})

    def weights(self, candidate: int, beside: Sequence[int] = ()) -> Weights | None:
        """The multiples of a candidate's change, over the tensors that hold it; None if there are none.

        Parameters
        ----------
        candidate : by its number from 1.
        beside : the other candidates in the sums, likewise; none for its change alone.
        """
        wanted = {candidate, *beside}
        found = [
            one.weights[one.candidates.index(candidate)]
            for t in self.holding(candidate)
            for one in t.sums
            if {*one.candidates} == wanted
        ]
        return Weights(median(found), min(found), max(found), len(found)) if found else None

    @property
    def seen(self) -> tuple[ChangedTensor, ...]:
        """The tensors in which enough numbers tell."""
        return tuple(one for one in self.tensors if one.seen)

    @property
    def told(self) -> int:
        """The telling numbers of judged tensors."""
        return sum(one.told for one in self.tensors if one.judged)

    @property
    def explained(self) -> float:
        """Of the numbers that the child changed, in tensors in which enough tell, the share that agrees with sums."""
        changed = sum(one.changed for one in self.seen)
        return sum(one.explained for one in self.seen) / changed if changed else 0.0

    @property
    def why(self) -> Why | None:
        """Why nothing can be told; None if something can."""
        if not any(one.own for one in self.tensors):
            return "none_compared"
        if not any(one.changed for one in self.tensors):
            return "as_in_base"
        if all(one is None for one in self.coefficients):
            return "none_changed"
        if not any(one.judged for one in self.tensors):
            stepped = any(
                one.on_grid or one.decayed + one.repeated + one.told >= LEAST
                for one in self.tensors
                if not one.of_tokens and one.changed >= LEAST
            )
            return "in_steps" if stepped else "too_few"
        agree = sum(one.explained_told for one in self.tensors if one.judged)
        return "alike" if not self.held and agree > self.told / 2 else None

    @property
    def status(self) -> Status:
        """What follows from the counts."""
        if self.why is not None:
            return "changes_not_told"
        if not self.held:
            return "changes_not_found"
        return "sum_of_changes" if self.explained >= ALL else "changes_in_part"


def of_candidate(found: ChangesOfBase, number: int) -> dict[str, float | int | None]:
    """A row of what was found of one candidate.

    Parameters
    ----------
    found : the changes.
    number : of the candidate, from 1.
    """
    alone = found.weights(number)
    return {
        "judged": sum(one.judged for one in found.tensors),
        "held": len(found.holding(number)),
        "weight_alone": None if alone is None else alone.median,
        "told": found.told,
        **found.own(number).model_dump(exclude={"candidate"}),
        "coefficient": found.coefficients[number - 1],
        "inflation": found.inflation[number - 1],
        "cosine": found.cosines[0][number],
    }


def changes_of(base: Opened, found: Found) -> ChangesOfBase:
    """The record of what was counted.

    Parameters
    ----------
    base : the files of the base.
    found : the counts.
    """
    count = len(found.sha256) - 2
    coefficients, residual = _fit(found.gram)
    return ChangesOfBase(
        base=ShareBase(name=base.name, origin=base.origin, revision=base.revision),
        numbers=tuple(
            NumbersRead(sha256=sha256, non_finite=broken, near=cosine)
            for sha256, broken, cosine in zip(found.sha256, found.non_finite, (None, *found.cosines), strict=True)
        ),
        tensors=tuple(_tensor(one, count) for one in found.tensors),
        not_compared=tuple(
            TensorNotCompared(name=name, candidate=k, reason=reason) for name, k, reason in found.refused
        ),
        cosines=tuple(tuple(_rounded(row)) for row in _cosines(found.gram[1:, 1:])),
        coefficients=coefficients,
        inflation=_inflation(found.gram),
        residual=residual,
    )


def _tensor(one: TensorFound, count: int) -> ChangedTensor:
    counts = one.counts
    fitted, residual = _fit(one.gram)
    known = dict(zip(one.here, fitted, strict=True))
    rows = zip(one.sums, counts.agree, strict=True)
    return ChangedTensor(
        name=one.name,
        dtype=one.dtype,
        of_tokens=one.is_matrix and not any(part.isdigit() for part in one.name.split(".")),
        entries=counts.entries,
        changed=counts.changed,
        decayed=counts.decayed,
        repeated=counts.repeated,
        on_grid=one.on_grid,
        told=counts.told,
        explained=counts.explained,
        explained_told=counts.explained_told,
        sums=tuple(
            SumOfChanges(
                candidates=tuple(k + 1 for k in found.of), weights=found.weights, base=found.base, agree=agree
            )
            for found, agree in rows
        ),
        own=tuple(OwnNumbers(candidate=k + 1, **own._asdict()) for k, own in zip(one.here, counts.own, strict=True)),
        coefficients=tuple(known.get(k) for k in range(count)),
        residual=residual,
    )


def _fit(gram: np.ndarray) -> tuple[tuple[float | None, ...], float | None]:
    """Least squares of the child's change on the candidates', from inner products; and what it leaves."""
    inner, product, total = gram[2:, 2:], gram[2:, 1], float(gram[1, 1])
    moved = np.diag(inner) > 0
    if not moved.any():
        return (None,) * len(inner), None if not total else 1.0
    scale = np.sqrt(np.where(moved, np.diag(inner), 1.0))
    solved = np.linalg.lstsq(inner / np.outer(scale, scale), product / scale, rcond=1e-12)[0] / scale
    left = max(0.0, 1 - float(product @ solved) / total) if total else None
    fitted = _rounded(np.where(moved, solved, np.nan))
    return tuple(fitted), None if left is None else float(f"{min(1.0, left):.6g}")


def _inflation(gram: np.ndarray) -> tuple[float | None, ...]:
    """Of each candidate's change, one over what the others leave of its squares."""
    found: list[float | None] = []
    for k in range(2, len(gram)):
        others = [j for j in range(2, len(gram)) if j != k]
        left = _fit(gram[np.ix_([0, k, *others], [0, k, *others])])[1]
        found.append(None if left is None or left < 1e-9 else float(f"{1 / left:.6g}"))
    return tuple(found)


def _cosines(gram: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.diag(gram))
    with np.errstate(all="ignore"):
        found: np.ndarray = np.clip(gram / np.outer(size, size), -1, 1)
    return found


def _rounded(values: Iterable[float]) -> list[float | None]:
    return [float(f"{one:.6g}") if np.isfinite(one) else None for one in values]
