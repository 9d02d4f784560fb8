"""Residual dimensions that kept their index and sign, by the embeddings of shared tokens.

Statistic: C[r, s] is the mean correlation of residual dimension r of A and s of B, over the columns of the embedding
and the unembedding at the anchors: tokens both vocabularies know, or rows of equally large tables by number
(``fingerprint.anchors``). Each column is centred over the anchors, a fixed linear map of each dimension by itself, so
it commutes with signed permutations; what a dimension adds to every token alike (a public mean, equal padding) has no
effect. Two counts: fixed points of the best match by |C| (by C under layer norm) and, only under RMS norm, pairs of
dimensions with a positive C[r, r] + C[s, s] - C[r, s] - C[s, r], which no mean common to the dimensions enters
(``swaps``).

Group: signed permutations of the residual stream under RMS norm, permutations under layer norm: ONE
group for the whole model, since every layer reads the same stream (L = 1). For signs, swaps of the two dimensions of
a pair, or flips of both; one of the two is enough. Null distributions: ``inference.signs`` (lemma: ``swaps``) and
``inference.fixed_points``; p = min(1, 2 min(p_signs, p_fixed)) under RMS norm. Where the dimensions of both models
have a mean far from zero, signs are set aside, p = 1; likewise fixed points, where the dimensions of both are ordered
(``ordered``).

Survives every change that keeps the embedding basis: a body trained anew on copied embeddings, upcycling, changed
depth, permuted units. Blind to a rotated or permuted residual stream. Refuses fixed vectors added
to the stream (sinusoidal positions), which no permutation leaves alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase
from ..base.arrays import median
from ..fingerprint import Fingerprint, kept_dimensions, unit_rows
from .applicability import enough_anchors, first, no_fixed_vectors, on_shared_anchors, same_width
from .blocks import Block, BlocksByLayer
from .counted import Counted, Description, Source
from .evidence import agreeing_count, fixed_point_count, order_codes, set_aside_note, sign_count
from .hypotheses import EQUIVARIANT_TRAINING, NO_SHARED_TENSORS, NOT_ARRANGED
from .matching import background, fixed_points
from .ordered import both_ordered
from .result import EffectSize, SetAside
from .statistic import Evidence, Statistic
from .swaps import differences, mean_far_from_zero

_ORDER = order_codes("residual dimensions")[1]


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(same_width(a, b), no_fixed_vectors(a, b), enough_anchors(a, b))


def _signed(a: Fingerprint, b: Fingerprint) -> bool:
    """Whether the residual streams of both models are symmetric under sign flips of their dimensions."""
    return a.record.architecture.norm == b.record.architecture.norm == "rms"


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    signed = _signed(a, b)
    kept = max(0, min(a.record.architecture.width, a.record.sketch.stream))
    read = signed_dimensions if signed else dimensions
    order, signs = Source("stream order", read, (_ORDER,)), Source("stream signs", read, ("signs",))
    return (
        Counted("fixed_points", sources=(order,), least=kept, most=kept, most_groups=1),
        Counted("signs", None, (signs,), None if signed else Phrase.of("layer_norm"), most=kept // 2),
    )


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    described = Description(_counts(a, b), localised=False)
    a, b = on_shared_anchors(a, b)
    cosine, signed = correlations_of_dimensions(a, b), _signed(a, b)
    scores = np.where(np.isfinite(cosine), np.abs(cosine), -np.inf) if signed else cosine
    matched = fixed_points(scores)
    live, others = np.isfinite(cosine.diagonal()), background(scores)
    fixed = fixed_point_count(int(matched.sum()), len(matched), min(1, len(matched)), int(live.sum()))
    effect: EffectSize | None = EffectSize(
        share=fixed.count / max(1, fixed.n),
        cosine_identified=median(scores.diagonal()[matched]) if matched.any() else None,
        cosine_background=median(others) if len(others) else None,
    )
    notes, aside = described.notes, tuple[SetAside, ...]()
    if both_ordered((signed_dimensions if signed else dimensions,), a, b):
        fixed, effect, notes, aside = fixed_point_count(0, 0, 0, 0), None, (*notes, set_aside_note(_ORDER)), (_ORDER,)
    if not signed:
        return Evidence((fixed,), effect, notes=notes, set_aside=aside)
    if all(_mean_far_from_zero(model) for model in (a, b)):
        nothing = agreeing_count(0, 0)
        return Evidence(
            (fixed, nothing), effect, notes=(*notes, set_aside_note("signs")), set_aside=(*aside, "signs")
        )
    finite = np.where(np.isfinite(cosine), cosine, 0.0)
    return Evidence((fixed, sign_count(differences(finite, live))), effect, notes=notes, set_aside=aside)


def dimensions(model: Fingerprint) -> BlocksByLayer:
    """Residual dimensions as one block, with one vector for each token table."""
    vectors = tuple(table[None] for table in _dimensions(model).values())
    axis = kept_dimensions(model.record.architecture, model.record.sketch)
    return {0: {"stream": Block(axis.indices, axis.population, vectors, (), copies=1)}} if vectors else {}


def signed_dimensions(model: Fingerprint) -> BlocksByLayer:
    """The same, all vectors of a dimension under one sign."""
    return {
        layer: {slot: replace(block, sign_fixed=(), sign_flipping=block.sign_fixed) for slot, block in row.items()}
        for layer, row in dimensions(model).items()
    }


def _mean_far_from_zero(model: Fingerprint) -> bool:
    return mean_far_from_zero([list(_dimensions(model).values())])


def _dimensions(model: Fingerprint) -> dict[str, NDArray[np.float64]]:
    """Residual dimensions over the anchors, by token table: [n, anchors], centred, of length 1; 0 if constant.

    They are rounded to float16 again, so that products and sums are exact on every processor.
    """
    tables = {role: model.arrays[role] for role in ("stream.embed", "stream.unembed") if role in model.arrays}
    columns = {role: table.astype(np.float64) for role, table in tables.items()}
    return {role: unit_rows(centred(x)).astype(np.float64) for role, x in columns.items()}


def centred(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of an array minus their means."""
    result: NDArray[np.float64] = columns - columns.mean(-1, keepdims=True)
    return result


def correlations_of_dimensions(a: Fingerprint, b: Fingerprint) -> NDArray[np.float64]:
    """Mean correlation of every pair of kept dimensions, shape [n, n]; -inf if a dimension is dead."""
    first, second = _dimensions(a), _dimensions(b)
    pairs = [(first[role], second[role]) for role in first if role in second]
    cosine = np.mean([x @ y.T for x, y in pairs], axis=0)
    alive = np.all([np.outer(x.any(1), y.any(1)) for x, y in pairs], axis=0)
    return np.where(alive, cosine, -np.inf)


_GROUP = "signed permutations of the dimensions of the residual stream (for signs: flips, or swaps of two)"

STREAM_IDENTITY = Statistic(
    id="stream_identity",
    version=2,
    title="Residual dimensions at the same index and sign, by embeddings of shared tokens",
    null=(
        "The order of the residual dimensions of one model (and, under RMS norm, their signs) carries no "
        "information about those of the other."
    ),
    assumptions=(
        EQUIVARIANT_TRAINING.format(group=_GROUP)
        + " It is false for sinusoidal positions and for files rotated by a fixed Hadamard matrix.",
        NOT_ARRANGED,
        NO_SHARED_TENSORS,
    ),
    survives="a body trained anew on copied embeddings, upcycling, changed depth, permuted units",
    blind_to="a rotated or permuted residual stream",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    localised=False,
    group=_GROUP,
    compares="residual dimensions",
)
