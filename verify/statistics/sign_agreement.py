"""Signs that agree: of value channels (v with o) and of gated units (up with down), two indices at a time.

Statistic: two counts, of hidden units and of value channels; p = min(1, 2 min) where both apply. Each is the number
of pairs of indices (i, j) of a block for which <a_i - a_j, b_i - b_j> is positive, inner products of v rows plus of o
columns (of up rows plus of down columns) added up; exact zeros and dead pairs are dropped. Vectors enter by their
differences alone, so that a common mean of the vectors of a block has no effect (``swaps``).

Group: for each pair, swaps of the two contents, or flips of both signs; one of the two is enough. Flipping a value
channel in v and o, or a gated unit in up and down, changes no output where values are mixed linearly and the MLP is
odd in up; swapping two changes none anyway. A tied set of copies has one arrangement, and its inner products are
summed first. Blocks are aligned by a score that neither changes. Null distribution and proof: ``inference.signs``
(binomial, exact), with the lemma of ``swaps``.

Survives what ``unit_identity`` and ``value_identity`` survive. Blind to sign flips and permutations. The MLP part
refuses GELU units, for which flips are no symmetry. If the vectors of both models have a mean far from zero, or look
pinned at their indices (``pinned``), their count is set aside: p = 1.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import both_mlps, first, linear_values, odd_in_up, same_width
from .blocks import BlockReader, unit_pairs, values
from .counted import Counted, Description, Source
from .evidence import agreeing_count, effect_of, more_conservative, pinned_notes, set_aside_note, sign_count
from .groups import Group, groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .pinned import both_pinned
from .result import Part
from .statistic import Evidence, Statistic
from .swaps import mean_far_from_zero


def _refuse_units(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(both_mlps(a, b), odd_in_up(a, b))


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    units_refused = _refuse_units(a, b)
    return first(same_width(a, b), linear_values(a, b) if units_refused else None)


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    return (
        _signs_of("hidden units", Source("unit signs", unit_pairs), _refuse_units(a, b)),
        _signs_of("value channels", Source("value signs", values), linear_values(a, b)),
    )


def _signs_of(part: Part, source: Source, left_out: Phrase | None) -> Counted:
    """Signs of differences of two indices: all of them may be zero."""
    source = Source(source.name, source.read, (part, f"signs of {part}"))
    return Counted("signs", part, (source,), left_out)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    described = Description(_counts(a, b), localised=False)
    found = [_part(one.part or "", one.sources[0].read, a, b) for one in described.counted]
    counts = tuple(count for evidence in found for count in evidence.counts)
    return Evidence(
        counts,
        effect_of(counts),
        notes=(*described.notes, *(note for evidence in found for note in evidence.notes)),
        set_aside=tuple(what for evidence in found for what in evidence.set_aside),
    )


def _part(part: Part, read: BlockReader, a: Fingerprint, b: Fingerprint) -> Evidence:
    """The count of one part; an empty one if both models break its symmetry."""
    nothing = (agreeing_count(0, 0, part),)
    if both_pinned(part, a, b):
        return Evidence(nothing, None, notes=pinned_notes((part,)), set_aside=(part,))
    if all(_mean_far_from_zero(read, model) for model in (a, b)):
        aside = f"signs of {part}"
        return Evidence(nothing, None, notes=(set_aside_note(aside),), set_aside=(aside,))
    return more_conservative(partial(_agreement, part), [groups(read, a, b, signs=True)])


def _mean_far_from_zero(read: BlockReader, model: Fingerprint) -> bool:
    return mean_far_from_zero(
        [x.sum(0) for x in block.sign_flipping] for row in read(model).values() for block in row.values()
    )


def _agreement(part: Part, found: list[Group]) -> Evidence:
    return Evidence((sign_count(np.concatenate([group.agreement for group in found] or [np.zeros(0)]), part),), None)


_GROUP = (
    "independent sign flips of value channels and of gated hidden units, or under independent swaps of two of them "
    "inside their block or head"
)

SIGN_AGREEMENT = Statistic(
    id="sign_agreement",
    version=2,
    title="Agreeing signs of value channels and gated units, two at a time",
    null=(
        "The signs of the value channels, and of the gated hidden units, of one model carry no information "
        "about those of the other, or their order does not."
    ),
    assumptions=(
        EQUIVARIANT_TRAINING.format(group=_GROUP),
        NOT_ARRANGED,
    ),
    survives="what unit_identity and value_identity survive",
    blind_to="sign flips, permutations, a rotated residual stream",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    localised=False,
    group=_GROUP,
    compares="signs",
)
