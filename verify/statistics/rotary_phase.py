"""Phases of rotary planes that agree, by weights and by responses to shared tokens.

Statistic: for every layer, key-value head and kept frequency, the complex inner product z of a plane of A and the
plane of the same frequency of the aligned head of B, over the rows of k and the rows of q summed over the query heads
of the group: by projected weights where the widths are equal, plus by centred responses to shared tokens with norm
gains folded in, where there are enough. Each plane gives two numbers (``turns``); their positive ones are counted.

Group: turns of the planes by quarters, independent over layers, key-value heads and frequencies. Turning the pair
``(x, y)`` of rows of k, and the pairs of all query heads that read it, by any one angle commutes with the rotation by
position and leaves the inner product of q and k alone, so the function is unchanged. By a quarter, ``(x, y) -> (-y,
x)``, it is a signed permutation of rows: an initial law with independent entries, symmetric about zero, is unchanged,
and optimisers that act on each coordinate alone and oddly carry it along (so does Muon, and biases turn along). Where
a gain stands on each channel (q_norm, k_norm), exchanging two channels would need their gains exchanged, which all
heads share; then only half turns are free, with one number a plane, ``Re z``. Planes cannot be permuted, since
frequencies differ. Null distribution: ``inference.signs``; proof: Lemma (turns). Layers and heads are aligned, and
copies of heads merged, by what turns do not change (``planes``).

Survives permuted and flipped hidden units and value channels, any change of basis between v and o, re-ordered heads,
a rotated residual stream with folded gains, an MLP replaced, changed depth and width. Blind to planes turned at
random. Refuses attention without rotation by position, layer norms on q and k (they subtract a mean over channels),
and fingerprints of an older sketch. Where the rows of both models have a mean that is not near zero (``NEAR``), as a
decoder's offset gives them, planes are counted one and two at a time, and the larger p-value is the test's: it is at
least that of single planes, so it is valid whatever the rule. If both have a mean far from zero, or look pinned by a
public matrix (``pinned``), they are set aside: p = 1.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..base import Phrase
from ..fingerprint import Fingerprint, kept_planes, turned_heads
from .applicability import compared_by, first, known_keys, not_comparable, on_shared_anchors
from .blocks import BlocksByLayer
from .counted import Counted, Source, at_most
from .evidence import agreeing_count, effect_of, more_conservative, set_aside_note, sign_count
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .pinned import both_pinned
from .planes import PlaneGroup, Planes, plane_blocks, plane_groups, planes_of, tied_heads
from .statistic import Evidence, Statistic
from .swaps import FAR, standardised_mean
from .ties import TiedSets
from .turns import turns

NEAR = 2.0
"""Standard deviations under turns up to which the mean of one model lets planes be counted one at a time."""
_PLANES = "rotary planes"
_SIGNS = f"signs of {_PLANES}"


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(known_keys(a, b), _turned(a, b), not_comparable(a, b))


def _turned(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse attention without rotation, or that rotates different numbers of channels."""
    x, y = a.record.architecture.rotary_size, b.record.architecture.rotary_size
    for side, size in zip("AB", (x, y), strict=True):
        if not size:
            return Phrase.of("not_rotary", model=side)
    return None if x == y else Phrase.of("rotary_sizes", a=x, b=y)


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    readers = {"keys": _by_weights, "key_responses": _by_responses}
    sources = tuple(Source(f"rotary planes, {name}", readers[name], (_PLANES, _SIGNS)) for name in compared_by(a, b))
    planes, heads = (min(of(model) for model in (a, b)) for of in (_kept, _heads))
    return (Counted("signs", sources=sources, most=at_most(a, b, planes * heads) * (1 + _quarter(a, b))),)


def _kept(model: Fingerprint) -> int:
    return kept_planes(model.record.architecture, model.record.sketch).size


def _heads(model: Fingerprint) -> int:
    return turned_heads(model.record.architecture)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    components = compared_by(a, b)
    if "key_responses" in components:
        a, b = on_shared_anchors(a, b)
    quarter, x, y = _quarter(a, b), planes_of(a, *components), planes_of(b, *components)
    ties = tied_heads(x, quarter=quarter), tied_heads(y, quarter=quarter)
    means = [_mean(model, sets) for model, sets in zip((x, y), ties, strict=True)]
    far_from_zero = all(mean > FAR for mean in means)
    if far_from_zero or both_pinned(_PLANES, a, b):
        aside = _SIGNS if far_from_zero else _PLANES
        return Evidence((agreeing_count(0, 0),), None, notes=(set_aside_note(aside),), set_aside=(aside,))

    def evidence(of: str, found: list[PlaneGroup]) -> Evidence:
        numbers = [turns(getattr(group, of), quarter=quarter) for group in found]
        counts = (sign_count(np.concatenate(numbers or [np.zeros(0)])),)
        return Evidence(counts, effect_of(counts))

    grouping = [plane_groups(x, y, ties)]
    single = more_conservative(partial(evidence, "products"), grouping)
    if any(mean <= NEAR for mean in means):
        return single
    return max(single, more_conservative(partial(evidence, "differences"), grouping), key=lambda e: e.log10_p)


def _quarter(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether quarter turns are free in both models, not only half turns."""
    return all(model.record.architecture.query_key_norm == "none" for model in (a, b))


def _mean(model: Planes, sets: TiedSets) -> float:
    """The standardised mean of the rows of all heads of a layer, of heads that are turned together only one's."""
    blocks = []
    for i, layer in enumerate(model.vectors):
        apart = {sets.find((i, f"head {h}")): h for h in range(len(layer))}
        rows = layer[list(apart.values())]
        blocks.append([np.concatenate([rows.real, rows.imag]).reshape(-1, layer.shape[-1])])
    return standardised_mean(blocks)


def _by_weights(model: Fingerprint) -> BlocksByLayer:
    return plane_blocks(model, "keys")


def _by_responses(model: Fingerprint) -> BlocksByLayer:
    return plane_blocks(model, "key_responses")


_GROUP = (
    "independent quarter turns (half turns, where channels have gains of their own) of the rotary planes of k, each "
    "with the planes of the query heads that read it"
)

ROTARY_PHASE = Statistic(
    id="rotary_phase",
    version=1,
    title="Phases of rotary planes of q and k, by weights and by response to shared tokens",
    null="The phases of the rotary planes of one model carry no information about those of the other.",
    assumptions=(EQUIVARIANT_TRAINING.format(group=_GROUP), NOT_ARRANGED),
    survives=(
        "permuted and flipped hidden units and value channels, re-ordered heads, a rotated residual stream, folded "
        "norms, an MLP replaced or split into experts, changed depth and width"
    ),
    blind_to="rotary planes turned at random",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    localised=False,
    group=_GROUP,
    compares="rotary phases",
)
