"""Channels of latent vectors of attention at the same index and with the same sign.

Statistic: two counts over the channels of the latent vectors of each layer, that of keys and values and, where there
is one, that of queries: fixed points of the unique best match, and pairs of channels with a positive sign
(``swaps``). A channel is described by the column that reads it, times its gain; by its row, projected, where the
streams have one width; and by the responses of its row to shared tokens, where there are enough. All share one sign.

Group: signed permutations of the channels of each latent vector, independently of the others (layers found to be
copies share one). L is the number of aligned latent vectors.

Proof. A latent vector is ``c = A x``, and behind its RMS norm with gain g it is read by ``B diag(g) c / |c|``
(``fingerprint.latent``). For a permutation P and signs S, put ``S P A`` for A, ``P g`` for g and ``B P' S`` for B:
``|S P c| = |c|``, and ``B P' S diag(P g) S P c = B P' diag(P g) P c = B diag(g) c``, so the function is the same.
These are signed permutations of rows, entries and columns: an initial law with independent entries, symmetric about
zero, is unchanged (gains begin as ones, and no sign touches them), and optimisers that act on each coordinate alone
and oddly carry the symmetry along, as does Muon. The description of a channel depends on its own row, gain and
column, and its vectors change sign together. Layers are aligned by mean best absolute scores, which the group leaves
alone. Null distributions: ``inference.fixed_points``, and ``inference.signs`` with the lemma of ``swaps``; p =
min(1, 2 min). ∎

Survives permuted and flipped hidden units and value channels, turned planes, any change inside heads that keeps the
latent vector, a rotated residual stream with folded gains. Blind to latent channels permuted and flipped. Where the
norm's gain is folded away, any rotation of the latent vector keeps the function too, and hides from this test as a
rotated stream does from ``stream_identity``. Refuses attention without a latent vector. If the vectors of both
models have a mean far from zero, signs are set aside: p = 1.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..base import Phrase
from ..fingerprint import Fingerprint, kept_latent
from .applicability import behind_latent, compared_by, first, not_comparable, on_shared_anchors
from .blocks import Block, BlockReader, BlocksByLayer
from .counted import Counted, Source, at_most
from .evidence import identity_evidence, two_at_a_time
from .groups import groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .statistic import Evidence, Statistic


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(behind_latent(a, b), not_comparable(a, b))


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    x, y = (kept_latent(model.record.architecture, model.record.sketch, query=False) for model in (a, b))
    least = x.size if x == y else 0
    name, read = _reader(a, b)
    most = at_most(a, b, min(_kept(a), _kept(b)))
    return (
        Counted("fixed_points", sources=(Source(f"latent channels, {name}", read),), least=least, most=most),
        Counted("signs", sources=(Source(f"latent signs, {name}", read, ("signs",)),), most=most // 2),
    )


def _kept(model: Fingerprint) -> int:
    shape, sketch = model.record.architecture, model.record.sketch
    return sum(kept_latent(shape, sketch, query=query).size for query in (False, True))


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    _, read = _reader(a, b)
    if read is not by_weights:
        a, b = on_shared_anchors(a, b)
    order, signs = identity_evidence([groups(read, a, b)]), two_at_a_time(read, a, b)
    counts, notes = order.counts + signs.counts, order.notes + signs.notes
    return replace(order, counts=counts, by_layer=(), notes=notes, set_aside=signs.set_aside)


def _reader(a: Fingerprint, b: Fingerprint) -> tuple[str, BlockReader]:
    """What channels are described by besides the columns that read them, in words, and the reader of their blocks."""
    found = compared_by(a, b)
    if len(found) > 1:
        return "weights and responses", by_both
    return ("weights", by_weights) if "keys" in found else ("responses", by_responses)


def by_weights(model: Fingerprint) -> BlocksByLayer:
    """Latent channels by the column that reads them and by their row."""
    return _blocks(model, "latent.{}.{}.b", "latent.{}.{}.a")


def by_responses(model: Fingerprint) -> BlocksByLayer:
    """Latent channels by the column that reads them and by their responses to the anchors."""
    return _blocks(model, "latent.{}.{}.b", "latent_responses.{}.{}")


def by_both(model: Fingerprint) -> BlocksByLayer:
    """Latent channels by all of these."""
    return _blocks(model, "latent.{}.{}.b", "latent.{}.{}.a", "latent_responses.{}.{}")


def _blocks(model: Fingerprint, *templates: str) -> BlocksByLayer:
    """One block for each latent vector, all vectors of a channel under one sign."""
    shape, grid = model.record.architecture, BlocksByLayer()
    for layer in range(shape.layers):
        for part in ("kv", "q"):
            names = [template.format(layer, part) for template in templates]
            if all(name in model.arrays for name in names):
                axis = kept_latent(shape, model.record.sketch, query=part == "q")
                vectors = tuple(model.arrays[name].astype(np.float64)[None] for name in names)
                grid.setdefault(layer, {})[part] = Block(axis.indices, axis.population, (), vectors, copies=1)
    return grid


_GROUP = "signed permutations of the channels of each latent vector of attention, independently of the others"

LATENT_IDENTITY = Statistic(
    id="latent_identity",
    version=1,
    title="Channels of latent vectors of attention at the same index and with the same sign",
    null=(
        "The order and the signs of the channels of the latent vectors of attention of one model carry no "
        "information about those of the other."
    ),
    assumptions=(EQUIVARIANT_TRAINING.format(group=_GROUP), NOT_ARRANGED),
    survives=(
        "permuted and flipped hidden units and value channels, turned planes of q and k, permuted heads, a rotated "
        "residual stream, folded norms before attention"
    ),
    blind_to="latent channels permuted and flipped, or changed to another basis",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    localised=False,
    group=_GROUP,
    compares="latent channels",
)
