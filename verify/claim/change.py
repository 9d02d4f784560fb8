"""Whether one model holds the change that the other, an adapter, makes to their base: counts, beside the verdict.

Merged onto its base, an adapter is related to whatever descends from that base, so a verdict says nothing of the
adapter itself. This finding does: it is arithmetic on the numbers of both models and of the base, enters no verdict
and has no p-value, since nothing but the adapter's and the model's training, which share the base and perhaps the
texts, placed their changes (docs/adapters.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median_low
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ..base import Record

if TYPE_CHECKING:
    from ..checkpoint.adapters.presence import Agreement
    from ..checkpoint.presence import Compared


LEAST = 64
"""Fewest moved numbers by which a module is judged."""
ELSEWHERE = 0.5
"""Largest share that may agree with moves that stand elsewhere: where more do, agreement tells nothing."""
ONE_WEIGHT = 0.05
"""How far the weight of a module may be from the median of all, as a share of it."""
MOST_LISTED = 256
"""Tensors that differ from the base, besides those that the adapter changes, in a record."""

Status = Literal["holds", "holds_at_weight", "in_part", "not_found", "abstained"]
Reason = Literal["none_compared", "nothing_moved", "as_in_base", "too_few"]
Refused = Literal["missing", "shape", "quantised"]


class Moved(Record):
    """Of the numbers that the adapter moves in a module, however a tool rounds, how many the model holds so."""

    moved: int = Field(ge=0)
    equal: int = Field(ge=0)
    """As exact merging gives them, to the bit."""
    within: int = Field(ge=0)
    """Others within the rounding of tools."""
    unmoved: int = Field(ge=0)
    """As in the base; the rest are something else."""
    elsewhere: int = Field(ge=0)
    """Those that would be within rounding if the moves of the model stood half a row further."""

    @property
    def agree(self) -> int:
        """Equal or within rounding."""
        return self.equal + self.within

    @property
    def judged(self) -> bool:
        """Whether enough are moved."""
        return self.moved >= LEAST

    @property
    def fits(self) -> bool:
        """Whether essentially all agree, and would not do so anywhere."""
        from ..checkpoint.adapters.presence import FITS  # with the readers of adapters

        return self.judged and self.agree >= FITS * self.moved and self.elsewhere <= ELSEWHERE * self.moved

    @staticmethod
    def of(found: Agreement) -> Moved:
        """The counts of a tensor."""
        return Moved(**{name: getattr(found, name) for name in Moved.model_fields})

    @staticmethod
    def total(counts: Iterable[Moved]) -> Moved:
        """The sum over modules."""
        kept = tuple(counts)
        return Moved(**{name: sum(getattr(one, name) for one in kept) for name in Moved.model_fields})


class ModuleChange(Record):
    """A tensor of the base that the adapter changes."""

    name: str
    refused: Refused | None = None
    """Why it was not compared: missing, of another shape, or quantised in the model."""
    drawn: bool = False
    """Whether chance drew numbers of its change before the adapter was trained; else two trainings on the same texts
    may give one change."""
    dtype: str | None = None
    """Type to which numbers are rounded: that of the model, or a coarser one that holds its numbers."""
    entries: int = Field(default=0, ge=0)
    """Numbers that are finite in adapter, base and model."""
    same: int = Field(default=0, ge=0)
    """Those that are as in the base."""
    once: Moved | None = None
    """For the change as it is; None if it was not compared."""
    weight: float | None = None
    """Another multiple of the change, which fits best; None where the change as it is fits, or none was found."""
    weighted: Moved | None = None
    """For that multiple."""


class LeftTensor(Record):
    """A tensor that the adapter leaves as it is, and that differs from the base in the model."""

    name: str
    entries: int = Field(ge=0)
    same: int = Field(ge=0)


class Left(Record):
    """Tensors of the base that the adapter leaves as they are, in the model."""

    tensors: int = Field(ge=0)
    """Those compared, of the first rows that both have."""
    alike: int = Field(ge=0)
    """Those of them that are as in the base, to the bit in the model's type."""
    entries: int = Field(ge=0)
    same: int = Field(ge=0)
    not_compared: int = Field(ge=0)
    """Those missing, of another shape, or quantised."""
    differing: tuple[LeftTensor, ...]
    """Those that differ, the least equal first, at most 256."""


class AdapterChange(Record):
    """Whether a model holds the change that an adapter makes to its base; it enters no verdict."""

    adapter: Literal["a", "b"]
    """Which of the two models is the adapter."""
    status: Status
    reason: Reason | None = None
    """Why nothing can be told; None unless ``abstained``."""
    weight: float | None = None
    """Multiple of the change that is held, one for all modules; None for the change as it is, and where none is."""
    judged: int
    """Modules in which the adapter moves enough numbers."""
    held: int
    """Those of them that hold the change."""
    modules: tuple[ModuleChange, ...]
    left: Left

    @property
    def once(self) -> Moved:
        """The counts of all modules, for the change as it is."""
        return Moved.total(one.once for one in self.modules if one.once is not None)

    @property
    def as_held(self) -> Moved:
        """The counts of the modules that hold the change, as they hold it."""
        return Moved.total(_held(self.modules)[0])

    @property
    def begins_alike(self) -> bool:
        """Whether no module that holds the change was drawn by chance before the training."""
        return not any(one.drawn and _fitting(one) is not None for one in self.modules)


def change_of(adapter: Literal["a", "b"], compared: Iterable[Compared]) -> AdapterChange:
    """The finding that follows from the tensors of a base.

    Parameters
    ----------
    adapter : which of the two models is the adapter.
    compared : the tensors of the base, beside those of the other model.
    """
    modules: list[ModuleChange] = []
    left: list[Compared] = []
    for one in compared:
        if one.changed:
            modules.append(_module(one))
        else:
            left.append(one)
    seen = [one for one in left if one.refused is None]
    differing = sorted((one for one in seen if one.same < one.entries), key=lambda x: (x.same / x.entries, x.name))
    return concluded(
        adapter,
        modules,
        Left(
            tensors=len(seen),
            alike=len(seen) - len(differing),
            entries=sum(one.entries for one in seen),
            same=sum(one.same for one in seen),
            not_compared=len(left) - len(seen),
            differing=tuple(
                LeftTensor(name=one.name, entries=one.entries, same=one.same) for one in differing[:MOST_LISTED]
            ),
        ),
    )


def concluded(adapter: Literal["a", "b"], modules: Sequence[ModuleChange], left: Left) -> AdapterChange:
    """The finding that follows from the counts.

    Parameters
    ----------
    adapter : which of the two models is the adapter.
    modules : counts of the tensors that it changes.
    left : what became of the others.
    """
    seen = [one for one in modules if one.once is not None]
    held, near = _held(modules)
    judged = sum(any(counts is not None and counts.judged for counts in (one.once, one.weighted)) for one in seen)
    reason: Reason | None = None
    status: Status = "not_found"
    if not seen:
        reason = "none_compared"
    elif not any(counts is not None and counts.moved for one in seen for counts in (one.once, one.weighted)):
        reason = "nothing_moved"
    elif all(one.same == one.entries for one in seen):
        reason = "as_in_base"
    elif not judged:
        reason = "too_few"
    elif len(held) == judged:
        status = "holds" if near == 1 else "holds_at_weight"
    elif held:
        status = "in_part"
    return AdapterChange(
        adapter=adapter,
        status="abstained" if reason is not None else status,
        reason=reason,
        weight=near if held and near != 1 and reason is None else None,
        judged=judged,
        held=len(held),
        modules=tuple(modules),
        left=left,
    )


def impossible(one: ModuleChange) -> str | None:
    """Why counts of a module cannot be: they do not fit one another; None where they do."""
    if (one.once is None) is not (one.refused is not None) or (one.once is None) is not (one.dtype is None):
        return "counts, or why there are none"
    if (one.weight is None) is not (one.weighted is None):
        return "counts for its weight, and for no other"
    for counts in (one.once, one.weighted):
        if counts is None:
            continue
        if counts.agree + counts.unmoved > counts.moved or counts.elsewhere > counts.moved:
            return "no more numbers than are moved"
        if counts.moved > one.entries or counts.unmoved > one.same:
            return "no more numbers than the module has"
    return "no more equal numbers than there are" if one.same > one.entries else None


def _module(one: Compared) -> ModuleChange:
    counts = one.counts
    if counts is None:
        return ModuleChange(name=one.name, refused=one.refused)
    return ModuleChange(
        name=one.name,
        drawn=one.drawn,
        dtype=counts.dtype,
        entries=counts.entries,
        same=counts.same,
        once=Moved.of(counts.once),
        weight=counts.weight,
        weighted=None if counts.weight is None else Moved.of(counts.weighted),
    )


def _held(modules: Sequence[ModuleChange]) -> tuple[list[Moved], float]:
    """The counts of the modules that hold the change, as they hold it, and their median weight.

    A module holds it as it is or at a weight, and all at about one weight.
    """
    fits = [found for one in modules if (found := _fitting(one)) is not None]
    near = median_low(weight for weight, _ in fits) if fits else 1.0
    return [counts for weight, counts in fits if abs(weight - near) <= ONE_WEIGHT * abs(near)], near


def _fitting(one: ModuleChange) -> tuple[float, Moved] | None:
    """The weight at which a module holds the change, and its counts; None if it does not."""
    if one.once is not None and one.once.fits:
        return 1.0, one.once
    if one.weighted is not None and one.weight is not None and one.weighted.fits:
        return one.weight, one.weighted
    return None
