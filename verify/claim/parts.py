"""Pair the parts of two models, and compute their shares of the stored numbers.

Parts are paired by name and kind, before any number of a tensor is looked at. Each pair that tables understand is
given the exact tests; its p-value is for its own null hypothesis, and Holm's procedure over all pairs that a test
applies to keeps the chance of any false rejection at the level (S. Holm, Scandinavian Journal of Statistics 6, 1979).
Equal digests are no test: two parts then hold the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

from ..base import Record, later
from ..checkpoint import COPIES, FAMILIES, STATED, Architecture
from ..fingerprint import DeadCount, FingerprintRecord, Pairing, PartRecord, StrangeTensor

WHOLE = 0.9
"""Smallest share of the stored numbers of both models for which the verdict on a pair of parts is stated of the
models.

The rest (a projector, a pooler, heads) is then a minor part of a model. A part that is a
model of its own is named whatever its share (``part_words.whole``).
"""
_MOST_NAMED = 5


class Pair(NamedTuple):
    """A part of A and the part of B that it is compared with."""

    a: PartRecord
    b: PartRecord

    @property
    def understood(self) -> bool:
        """Whether tests can be run; else only digests are compared."""
        return bool(self.a.family and self.b.family)

    @property
    def same(self) -> bool:
        """Whether both hold the same numbers, read whole, whose equality is informative."""
        telling = self.understood or self.a.telling > 0
        return telling and self.a.sha256 is not None and self.a.sha256 == self.b.sha256


class EqualTensors(Record):
    """Tensors that no table understands, equal in both models in name, shape and every byte.

    Not counted: tensors of parts that are equal as a whole, and those whose equality is uninformative.
    """

    tensors: int
    numbers: int
    names: tuple[str, ...]
    """Names of the largest."""


class PartSubject(Record):
    """The description of a further part: what decides which tests apply, and what could not be compared."""

    architecture: Architecture
    anchors: int
    """Anchors kept."""
    pairing: Pairing = later("tokens")
    """How they pair with those of another model."""
    unused: tuple[str, ...] = later(())
    """Names of the tokens kept that no text contains."""
    dead: tuple[DeadCount, ...]
    non_finite: int
    unrecognised: tuple[str, ...]
    unrecognised_inside: tuple[str, ...] | None = later()

    @staticmethod
    def of(record: FingerprintRecord) -> PartSubject:
        """The part described by a fingerprint's record."""
        shared = PartSubject.model_fields.keys() - {"anchors"}
        return PartSubject(anchors=len(record.anchors), **{name: getattr(record, name) for name in shared})


def inventory(record: FingerprintRecord) -> tuple[PartRecord, ...]:
    """All parts of a model; for a record without parts, the one part it describes, with its numbers not counted."""
    if record.parts:
        return record.parts
    family = record.architecture.family
    table = family.removeprefix(STATED).partition(",")[0]
    known = FAMILIES.of_name(table)
    kind = known.kind if known else "language model"
    return (PartRecord(name=record.part or "whole", kind=kind, family=family, numbers=0, tensors=0),)


def paired(a: Sequence[PartRecord], b: Sequence[PartRecord]) -> list[Pair]:
    """The pairs of parts to compare, that of the headline first, the others in the order of A.

    Two parts are a pair if nothing else of either model is of their kind and name; else, if nothing else left is of
    their kind and table; then of their kind; then of their sense, text or images. Where no two parts that tables
    understand make a pair, the main ones do. Headlined is the pair of most numbers that is no copy or draft.
    """
    rounds: tuple[Callable[[PartRecord], Hashable], ...] = (
        lambda part: (part.family != "", part.kind, part.name),
        lambda part: (part.family != "", part.kind, part.family),
        lambda part: (part.family != "", part.kind),
        lambda part: (part.family != "", _SENSES.get(part.kind, part.kind)),
    )
    left_a, left_b, found = [*a], [*b], list[Pair]()
    for key in rounds:
        for one in [*left_a]:
            alike = [part for part in left_b if key(part) == key(one)]
            if len(alike) == 1 and [key(part) for part in left_a].count(key(one)) == 1:
                found.append(Pair(one, alike[0]))
                left_a.remove(one)
                left_b.remove(alike[0])
    if not any(pair.understood for pair in found):
        found.append(Pair(a[0], b[0]))
    first = min(
        (pair for pair in found if pair.understood),
        key=lambda pair: (pair.a.kind in COPIES, -pair.a.numbers - pair.b.numbers, pair.a.name, pair.b.name),
    )
    order = {part.name: n for n, part in enumerate(a)}
    return sorted(found, key=lambda pair: (pair is not first, order[pair.a.name]))


_SENSES = dict.fromkeys(("language model", "text encoder", "encoder and decoder"), "text")


def share(part: PartRecord, parts: Sequence[PartRecord]) -> float | None:
    """Share of a model's stored numbers; None where they were not counted."""
    total = sum(one.numbers for one in parts)
    return part.numbers / total if total else None


def single(a: Sequence[PartRecord], b: Sequence[PartRecord]) -> bool:
    """Whether each model is known to be a single part, so that the verdict is on the models."""
    return len(a) <= 1 and len(b) <= 1


def equal_tensors(
    a: Sequence[StrangeTensor], b: Sequence[StrangeTensor], pairs: Sequence[Pair]
) -> EqualTensors | None:
    """Unknown tensors that both models hold, except those of parts that are equal as a whole.

    Parameters
    ----------
    a, b : tensors of A and of B that no table understands.
    pairs : the parts that are compared.

    Returns
    -------
    EqualTensors or None
        Their number and the largest; None where there is none.
    """
    whole = {pair.a.name for pair in pairs if pair.same}
    others = {(one.name, one.dtype, one.shape, one.sha256) for one in b}
    found = [
        one
        for one in a
        if one.telling
        and one.sha256 is not None
        and one.part not in whole
        and (one.name, one.dtype, one.shape, one.sha256) in others
    ]
    if not found:
        return None
    largest = sorted(found, key=lambda one: (-one.numbers, one.name))[:_MOST_NAMED]
    return EqualTensors(
        tensors=len(found), numbers=sum(one.numbers for one in found), names=tuple(one.name for one in largest)
    )
