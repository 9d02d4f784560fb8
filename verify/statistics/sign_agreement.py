"""Signs that agree: of value channels (v with o) and of gated units (up with down), two indices at a time.

Statistic: two counts, of hidden units and of value channels; p = min(1, 2 min) where both apply. Each is the number
of pairs of indices (i, j) of a block for which <a_i - a_j, b_i - b_j> is positive, inner products of v rows plus of o
columns (of up rows plus of down columns) added up; exact zeros and dead pairs are dropped. Vectors enter by their
differences alone, so that a mean common to the vectors of a block cannot show (``swaps``).

Group: for each pair, swaps of the two contents, or flips of both signs; one of the two is enough. Flipping a value
channel in v and o, or a gated unit in up and down, changes no output where values are mixed linearly and the MLP is
odd in up; swapping two changes none anyway. A tied set of copies has one arrangement, and its inner products are
summed first. Blocks are aligned by a score that neither changes. Null law and proof: ``inference.signs`` (binomial,
exact), with the lemma of ``swaps``.

Survives what ``unit_identity`` and ``value_identity`` survive. Blind to sign flips and permutations.
The MLP part refuses GELU units, where the flips are no symmetry. Where the vectors of both models have a mean far
from zero, or look pinned at their indices (``pinned``), their count is set aside: p = 1.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..fingerprint import Fingerprint
from .applicability import both_mlps, first, linear_values, odd_in_up, same_width
from .blocks import Component, unit_pairs, values
from .groups import Group, groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .pinned import both_pinned
from .result import Count, EffectSize, Part, SetAside
from .statistic import Evidence, Statistic, agreeing_count, cautious, pinned_notes, sign_count
from .swaps import mean_far_from_zero


def _refuse_units(a: Fingerprint, b: Fingerprint) -> str | None:
    return first(both_mlps(a, b), odd_in_up(a, b))


def _refuse(a: Fingerprint, b: Fingerprint) -> str | None:
    units_refused = _refuse_units(a, b)
    return first(same_width(a, b), linear_values(a, b) if units_refused else None)


def parts_refused(a: Fingerprint, b: Fingerprint) -> dict[Part, str | None]:
    """Why a part is not counted, or None where it is; from the architectures alone."""
    return {"hidden units": _refuse_units(a, b), "value channels": linear_values(a, b)}


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    found, notes = [], []
    for part, reason in parts_refused(a, b).items():
        if reason is None:
            found.append(_part(part, unit_pairs if part == "hidden units" else values, a, b))
        else:
            notes.append(f"{part.capitalize()} were left out: {reason}.")
    counts = tuple(count for evidence in found for count in evidence.counts)
    return Evidence(
        counts,
        share_of(counts),
        notes=(*notes, *(note for evidence in found for note in evidence.notes)),
        set_aside=tuple(what for evidence in found for what in evidence.set_aside),
    )


def _part(part: Part, component: Component, a: Fingerprint, b: Fingerprint) -> Evidence:
    """The count of one part, or an empty one where both models break what it rests on."""
    nothing = (agreeing_count(0, 0, part),)
    if both_pinned(part, a, b):
        return Evidence(nothing, None, notes=pinned_notes((part,)), set_aside=(part,))
    if all(_mean_far_from_zero(component, model) for model in (a, b)):
        aside: SetAside = "signs of hidden units" if part == "hidden units" else "signs of value channels"
        return Evidence(nothing, None, notes=(mean_note(aside),), set_aside=(aside,))
    return cautious(partial(_agreement, part), [groups(component, a, b, signs=True)])


def share_of(counts: tuple[Count, ...]) -> EffectSize | None:
    """Agreeing signs of all parts over those compared."""
    agreeing, n = sum(count.count for count in counts), sum(count.n for count in counts)
    return EffectSize(share=agreeing / n) if n else None


def mean_note(aside: SetAside) -> str:
    """What is said of signs that were set aside."""
    return (
        f"{aside.capitalize()} were set aside: in both models the vectors have a mean far from zero, which a "
        "positive initialisation, or a decoder with an offset, gives to strangers too."
    )


def _mean_far_from_zero(component: Component, model: Fingerprint) -> bool:
    return mean_far_from_zero(
        [x.sum(0) for x in block.flipping] for row in component(model).values() for block in row.values()
    )


def _agreement(part: Part, found: list[Group]) -> Evidence:
    return Evidence((sign_count(np.concatenate([group.agreement for group in found] or [np.zeros(0)]), part),), None)


SIGN_AGREEMENT = Statistic(
    id="sign_agreement",
    version=2,
    title="Agreeing signs of value channels and gated units, two at a time",
    null=(
        "The signs of the value channels, and of the gated hidden units, of one model carry no information "
        "about those of the other, or their order does not."
    ),
    assumptions=(
        EQUIVARIANT_TRAINING.format(group="either sign flips of value channels and of gated units, or their swaps,"),
        NOT_ARRANGED,
    ),
    survives="what unit_identity and value_identity survive",
    blind_to="sign flips, permutations, a rotated residual stream",
    refuse=_refuse,
    run=_run,
)
