"""Signs that agree: of value channels (v with o) and of gated units (up with down), by index and by likeness.

Statistic: four counts; p is the smallest of their p-values times the number of counts that apply. Two of them, of
hidden units and of value channels, compare equal indices, two at a time: the number of pairs of indices (i, j) of a
block for which <a_i - a_j, b_i - b_j> is positive, inner products of v rows plus of o columns (of up rows plus of
down columns) added up. Vectors enter by their differences alone, so that a common mean of the vectors of a block has
no effect (``swaps``). The other two compare units (channels) of the same layer that look alike by what no flip
changes, whatever their indices (``partners``): the number of pairs with a positive <a_i, b_j>. Exact zeros and dead
indices are dropped.

Group: sign flips of units and of value channels. Flipping a value channel in v and o, or a gated unit in up and down,
changes no output where values are mixed linearly and the MLP is odd in up. For the counts at equal indices, flips of
both indices of a pair, or swaps of their contents; one of the two is enough, since swapping changes no output anyway.
A tied set of copies has one arrangement: its inner products are summed first, and of partners one pair counts. Blocks
and layers are aligned by a score that neither changes. Null distribution and proof: ``inference.signs`` (binomial,
exact), with the lemma of ``swaps`` and the theorem of ``partners``.

Survives what ``unit_identity`` and ``value_identity`` survive; by partners also permuted units, channels and heads,
MLPs divided into experts, and a rotated residual stream. Blind to sign flips. The MLP part refuses GELU units, for
which flips are no symmetry. If the vectors of both models have a mean far from zero, or look pinned at their indices
(``pinned``), their counts are set aside: p = 1.
"""

from __future__ import annotations

from dataclasses import replace

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import both_mlps, enough_anchors, first, linear_values, odd_in_up, on_shared_anchors, same_width
from .blocks import BlockReader, strongest_units, unit_pairs, value_responses, values
from .counted import Counted, Description, Source, at_most, kept_units, kept_values
from .evidence import agreeing_count, effect_of, set_aside_note, sign_count, two_at_a_time
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .partners import MOST, numbers_of_partners
from .pinned import both_pinned
from .result import Count, Part
from .statistic import Evidence, Statistic

_BY_WEIGHTS: dict[Part, BlockReader] = {"hidden units": unit_pairs, "value channels": values}
_BY_RESPONSES: dict[Part, BlockReader] = {"hidden units": strongest_units, "value channels": value_responses}


def _refuse_units(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(both_mlps(a, b), odd_in_up(a, b))


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    units_refused = _refuse_units(a, b)
    return first(same_width(a, b), linear_values(a, b) if units_refused else None)


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    at_index = counts_at_index(a, b)
    return at_index + tuple(
        Counted("signs", partners_of(one.part), one.sources, most=MOST, same_index=False)
        for one in at_index
        if one.part is not None and one.left_out is None
    )


def counts_at_index(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    """The counts that compare equal indices."""
    return (
        _signs_of("hidden units", "unit signs", _refuse_units(a, b), at_most(a, b, kept_units(a, b)) // 2),
        _signs_of("value channels", "value signs", linear_values(a, b), at_most(a, b, kept_values(a, b)) // 2),
    )


def partners_of(part: Part) -> Part:
    """Name of the units (channels) that are compared because they look alike."""
    return f"{part} that look alike"


def _signs_of(part: Part, name: str, left_out: Phrase | None, most: int) -> Counted:
    """Signs of differences of two indices: all of them may be zero."""
    source = Source(name, _BY_WEIGHTS[part], (part, f"signs of {part}"))
    return Counted("signs", part, (source,), left_out, most=most)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    described = Description(_counts(a, b), localised=False)
    found = [_part(one.part or "", a, b) for one in described.counted if one.same_index]
    counts = tuple(evidence.counts[kind] for kind in (0, 1) for evidence in found)
    return Evidence(
        counts,
        effect_of(counts),
        notes=(*described.notes, *(note for evidence in found for note in evidence.notes)),
        set_aside=tuple(what for evidence in found for what in evidence.set_aside),
    )


def _part(part: Part, a: Fingerprint, b: Fingerprint) -> Evidence:
    """The counts of one part, at equal indices and of partners; empty ones if both models break its symmetry."""
    none_alike = agreeing_count(0, 0, partners_of(part))
    if both_pinned(part, a, b):
        nothing = (agreeing_count(0, 0, part), none_alike)
        return Evidence(nothing, None, notes=(set_aside_note(part),), set_aside=(part,))
    at_index = two_at_a_time(_BY_WEIGHTS[part], a, b, part)
    alike = none_alike if at_index.set_aside else _of_partners(part, a, b)
    return replace(at_index, counts=(*at_index.counts, alike))


def _of_partners(part: Part, a: Fingerprint, b: Fingerprint) -> Count:
    readings = [_BY_WEIGHTS[part]]
    if enough_anchors(a, b) is None:
        readings.append(_BY_RESPONSES[part])
    return sign_count(numbers_of_partners(readings, *on_shared_anchors(a, b)), partners_of(part))


_GROUP = (
    "independent sign flips of value channels and of gated hidden units or, for those at equal indices, under "
    "independent swaps of two of them inside their block or head"
)

SIGN_AGREEMENT = Statistic(
    id="sign_agreement",
    version=3,
    title="Agreeing signs of value channels and gated units, at the same index and of those that look alike",
    null=(
        "The signs of the value channels, and of the gated hidden units, of one model carry no information "
        "about those of the other."
    ),
    assumptions=(
        EQUIVARIANT_TRAINING.format(group=_GROUP),
        NOT_ARRANGED,
    ),
    survives=(
        "what unit_identity and value_identity survive, permuted units, channels and heads, MLPs divided into "
        "experts, a rotated residual stream"
    ),
    blind_to="sign flips",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    localised=False,
    group=_GROUP,
    compares="signs",
)
