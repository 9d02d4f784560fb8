"""Query and key channels that positions do not turn, at the same index and with the same sign.

Statistic: two counts over the channels of each key-value head: fixed points of the unique best match among the
channels of the aligned head, and pairs of channels with a positive sign (``swaps``). A channel is described by its
row of k and the sum over the group's query heads of its rows of q: by projected weights where the widths are equal,
and by responses to shared tokens with norm gains folded in, where there are enough.

Group: signed permutations of the channels of a key-value head, applied to k and to all query heads that read it,
independently over layers and heads. Where positions are learned, added to the logits (ALiBi, T5) or absent, and for
the channels that partial rotation leaves alone, q and k meet only in their inner product, which no signed permutation
of both changes; biases move along. Where a gain stands on each channel, which all heads share, only signs are free,
and only they are counted. Null distributions: ``inference.fixed_points``, and ``inference.signs`` with the lemma of
``swaps``; p = min(1, 2 min of both).

Survives what ``value_identity`` survives, permuted value channels, any change of basis between v and o, and a
rotated residual stream. Blind to channels of q and k permuted and flipped, or changed to another basis. Refuses
attention all of whose channels are turned (``rotary_phase``), layer norms on q and k, and fingerprints of an older
sketch. If the channels of both models look pinned by a public matrix (``pinned``), they are set aside, p = 1; their
order is if it shows classes (``ordered``), and their signs if they have a mean far from zero.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..base import Phrase
from ..fingerprint import Component, Fingerprint, kept_plain
from .applicability import compared_by, first, known_keys, not_comparable, on_shared_anchors
from .blocks import Block, BlockReader, BlocksByLayer
from .counted import Counted, Description, Source, at_most
from .evidence import (
    agreeing_count,
    effect_of,
    fixed_point_count,
    identity_evidence,
    order_codes,
    order_set_aside,
    set_aside_note,
    two_at_a_time,
)
from .groups import groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .statistic import Evidence, Statistic

_CHANNELS = "query and key channels"


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(known_keys(a, b), _plain(a, b), not_comparable(a, b))


def _plain(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Refuse attention all of whose channels are turned, or heads with different numbers of others."""
    x, y = (kept_plain(model.record.architecture, model.record.sketch).population for model in (a, b))
    for side, size in zip("AB", (x, y), strict=True):
        if not size:
            return Phrase.of("all_turned", model=side)
    return None if x == y else Phrase.of("plain_sizes", a=x, b=y)


def _gain(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    """Exclude the order of channels where gains tell them apart."""
    for side, model in zip("AB", (a, b), strict=True):
        if model.record.architecture.query_key_norm != "none":
            return Phrase.of("keys_gain", model=side)
    return None


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    name, read = _reader(a, b)
    order = Source(f"query and key channels, {name}", read, order_codes(_CHANNELS))
    least, heads = (min(of(model) for model in (a, b)) for of in (_kept, _heads))
    most = at_most(a, b, least * heads)
    signs = Source(f"query and key signs, {name}", read, (_CHANNELS, "signs"))
    return (
        Counted("fixed_points", None, (order,), _gain(a, b), least=least, most=most),
        Counted("signs", None, (signs,), most=most // 2),
    )


def _kept(model: Fingerprint) -> int:
    return kept_plain(model.record.architecture, model.record.sketch).size


def _heads(model: Fingerprint) -> int:
    return model.record.architecture.kv_heads


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    described, (_, read) = Description(_counts(a, b), localised=False), _reader(a, b)
    if "key_responses" in compared_by(a, b):
        a, b = on_shared_anchors(a, b)
    aside = order_set_aside(_CHANNELS, (read,), a, b)
    pinned = _CHANNELS in aside
    signs = Evidence((agreeing_count(0, 0),), None) if pinned else two_at_a_time(read, a, b)
    order = Evidence((fixed_point_count(0, 0, 0),), None) if aside else identity_evidence([groups(read, a, b)])
    if _gain(a, b) is not None:
        aside = aside if pinned else ()
        order = replace(order, counts=(), effect=effect_of(signs.counts), notes=described.notes)
    return Evidence(
        order.counts + signs.counts,
        order.effect,
        notes=(*order.notes, *map(set_aside_note, aside), *signs.notes),
        set_aside=aside + signs.set_aside,
    )


def _reader(a: Fingerprint, b: Fingerprint) -> tuple[str, BlockReader]:
    """What channels are described by, in words, and the reader of their blocks."""
    components = compared_by(a, b)
    if len(components) > 1:
        return "weights and responses", _by_both
    return ("weights", _by_weights) if "keys" in components else ("responses", _by_responses)


def _by_weights(model: Fingerprint) -> BlocksByLayer:
    return _channels(model, "keys")


def _by_responses(model: Fingerprint) -> BlocksByLayer:
    return _channels(model, "key_responses")


def _by_both(model: Fingerprint) -> BlocksByLayer:
    return _channels(model, "keys", "key_responses")


def _channels(model: Fingerprint, *components: Component) -> BlocksByLayer:
    """Channels of k and q, all vectors of a channel under one sign."""
    shape, grid = model.record.architecture, BlocksByLayer()
    axis = kept_plain(shape, model.record.sketch)
    for layer in range(shape.layers):
        names = [f"{component}.{layer}.plain.{role}" for component in components for role in "kq"]
        rows = [model.arrays[name][:, :, 0].astype(np.float64) for name in names if name in model.arrays]
        if rows:
            grid[layer] = {
                f"head {h}": Block(axis.indices, axis.population, (), tuple(x[h : h + 1] for x in rows), 1)
                for h in range(shape.kv_heads)
            }
    return grid


_GROUP = (
    "signed permutations (signs alone, where channels have gains of their own) of the channels of q and k of each "
    "key-value head, independently of the other heads"
)

QUERY_KEY_IDENTITY = Statistic(
    id="query_key_identity",
    version=1,
    title="Query and key channels at the same index and sign, by weights and by response to shared tokens",
    null=(
        "The order and the signs of the channels of q and k inside each attention head of one model, as far as "
        "positions do not turn them, carry no information about those of the other."
    ),
    assumptions=(EQUIVARIANT_TRAINING.format(group=_GROUP), NOT_ARRANGED),
    survives="what value_identity survives, permuted value channels, a rotated residual stream, folded norms",
    blind_to="channels of q and k permuted and flipped, or changed to another basis",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    localised=False,
    group=_GROUP,
    compares="query and key channels",
)
