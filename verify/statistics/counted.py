"""What an exact test counts, said from two records alone: so nobody outside needs to know a test by its name."""

from __future__ import annotations

from dataclasses import dataclass

from ..base import Phrase
from ..fingerprint import Fingerprint
from .blocks import BlockReader
from .result import Law, Part, SetAside


@dataclass(frozen=True)
class Source:
    """Blocks that something is counted over."""

    name: str
    """What is compared, in a word or two, such as ``unit responses``."""
    read: BlockReader
    set_aside: tuple[SetAside, ...] = ()
    """Codes of what may be set aside of it: any of them leaves out the whole source."""


@dataclass(frozen=True)
class Counted:
    """One thing that a test counts, or would if it were not left out."""

    law: Law
    part: Part | None = None
    """Its name in the result, where a test counts several things apart."""
    sources: tuple[Source, ...] = ()
    """Blocks that it is counted over; none where a statistic does not say."""
    left_out: Phrase | None = None
    """Why the architectures do not allow it to be counted."""
    least: int = 0
    """Indices (for signs: pairs of indices) that are compared at least, if nothing is set aside."""
    most: int | None = None
    """Indices that are compared at most; None where only the arrays tell."""
    most_groups: int | None = None
    """Independent groups at most; None where only the arrays tell."""


@dataclass(frozen=True)
class Description:
    """All that a test counts of two models."""

    counts: tuple[Counted, ...]
    localised: bool
    """Whether rows by layer add up to the count."""

    @property
    def counted(self) -> tuple[Counted, ...]:
        """What is not left out."""
        return tuple(one for one in self.counts if one.left_out is None)

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """On what is left out."""
        return tuple(
            Phrase.of("left_out", part=one.part or one.law.replace("_", " "), because=one.left_out)
            for one in self.counts
            if one.left_out is not None
        )


def common_to_dense(a: Fingerprint, b: Fingerprint) -> tuple[int, int]:
    """Hidden units and value channels that each pair of blocks has in common, as far as records tell; else 0.

    Two dense models of one shape and no dead row share every index kept of a block, and blocks that are merged are
    of one size; where there are experts, or other sizes, the blocks compared may have no index in common.
    """
    shape, other = a.record.architecture, b.record.architecture
    sizes = [(one.hidden, one.experts, one.shared_hidden, one.head_size) for one in (shape, other)]
    if sizes[0] != sizes[1] or shape.experts or shape.shared_hidden or a.record.dead or b.record.dead:
        return 0, 0
    sketch = a.record.sketch
    return max(0, min(shape.hidden, sketch.units)), max(0, min(shape.head_size, sketch.channels))
