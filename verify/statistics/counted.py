"""What an exact test counts, described from two records alone, so that no other code refers to a test by name."""

from __future__ import annotations

from typing import NamedTuple

from ..base import Phrase
from ..fingerprint import Fingerprint, bundles, kept_channels
from .blocks import BlockReader
from .result import Law, Part, SetAside


class Source(NamedTuple):
    """Blocks over which a test counts."""

    name: str
    """What is compared, in a word or two, such as ``unit responses``."""
    read: BlockReader
    set_aside: tuple[SetAside, ...] = ()
    """Codes of parts that may be set aside; any of them excludes the whole source."""


class Counted(NamedTuple):
    """One count of a test, perhaps excluded."""

    law: Law
    part: Part | None = None
    """Its name in the result, if a test has several counts."""
    sources: tuple[Source, ...] = ()
    """Blocks over which it is counted; empty if a statistic does not declare them."""
    left_out: Phrase | None = None
    """Why the architectures exclude it; None if they do not."""
    least: int = 0
    """Smallest number of indices (for signs: pairs of indices) compared, if nothing is set aside."""
    most: int | None = None
    """Largest number of indices compared; None if it depends on the arrays."""
    of_layer: int | None = None
    """Largest number of indices compared in a pair of layers; None if it depends on the arrays."""
    most_groups: int | None = None
    """Largest number of independent groups; None if it depends on the arrays."""
    same_index: bool = True
    """Whether equal indices are compared, as the first stage of a screen can do."""


class Description(NamedTuple):
    """All counts of a test on two models."""

    counts: tuple[Counted, ...]
    localised: bool
    """Whether rows by layer add up to the count."""

    @property
    def counted(self) -> tuple[Counted, ...]:
        """The counts that are not excluded."""
        return tuple(one for one in self.counts if one.left_out is None)

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Notes on the excluded counts."""
        return tuple(
            Phrase.of("left_out", part=one.part or one.law.replace("_", " "), because=one.left_out)
            for one in self.counts
            if one.left_out is not None
        )


def common_to_dense(a: Fingerprint, b: Fingerprint) -> tuple[int, int]:
    """Numbers of hidden units and value channels common to each pair of blocks, as far as records tell; else 0.

    Two dense models of one shape without dead rows share every kept index of a block, and merged blocks have one
    size; with experts, or other sizes, the blocks compared may have no index in common.
    """
    shape, other = a.record.architecture, b.record.architecture
    sizes = [(one.hidden, one.experts, one.shared_hidden, one.head_size) for one in (shape, other)]
    if sizes[0] != sizes[1] or shape.experts or shape.shared_hidden or a.record.dead or b.record.dead:
        return 0, 0
    sketch = a.record.sketch
    return max(0, min(shape.hidden, sketch.units)), max(0, min(shape.head_size, sketch.channels))


def at_most(a: Fingerprint, b: Fingerprint, of_layer: int) -> int:
    """Largest number of indices that can be compared, of as many layers as both models have.

    Parameters
    ----------
    a, b : the models.
    of_layer : largest number in a pair of layers.
    """
    return max(0, of_layer * min(model.record.architecture.layers for model in (a, b)))


def kept_units(a: Fingerprint, b: Fingerprint) -> int:
    """Largest number of hidden units compared in a pair of layers; all experts of a layer are one group."""
    shapes = [(model.record.architecture, model.record.sketch) for model in (a, b)]
    return min(sum(bundle.units for bundle in bundles(*shape)) for shape in shapes)


def kept_values(a: Fingerprint, b: Fingerprint) -> int:
    """Largest number of value channels compared in a pair of layers."""
    shapes = [(model.record.architecture, model.record.sketch) for model in (a, b)]
    return min(shape.kv_heads * kept_channels(shape, sketch).size for shape, sketch in shapes)
