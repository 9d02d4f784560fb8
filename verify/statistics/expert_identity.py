"""Routed experts that kept their index, by what routes tokens to them.

Statistic: the number F of experts of A whose unique best match among B's experts of the aligned layer (and group)
sits at the same index. An expert is described by the response of its router row to the anchors, less the mean over
the experts of the layer (``fingerprint.routers``); at full effort also by the root mean square, over all its units,
of their gate responses to each anchor, less the mean over the experts. The score is the mean cosine. If the
vocabularies share too few tokens and the streams have one width, router rows are compared by their projections.

Group: permutations of the routed experts, independently per layer (layers found to be copies share one). Where
routing first chooses among groups of experts (DeepSeek V2 and V3) or takes one of each (Pangu Pro MoE), permutations
inside each group, independently of the others: L is then the number of aligned groups.

Proof. A layer adds up what its experts write, each times its own weight of routing. Weights are a function of the
logits of all experts that commutes with permutations of them (inside groups, where they are routed by groups):
softmax, sigmoid, the largest k, the largest k of the best groups, each with biases and scales of its own expert,
which move along. So permuting router rows and experts together permutes the terms of a sum. Losses that balance the
load are symmetric functions of the same numbers, over the same groups. The description of an expert depends on its
own tensors and on sums over all experts, so those of a model with permuted experts are permuted. That of units by a
sum over all of them does not depend on their order, so it needs no matching of units; a description by units at
fixed indices would compare different units of one expert. Layers, and groups inside layers, are aligned by mean best
scores, which no permutation inside groups changes. Null distribution: ``inference.fixed_points``. ∎

Under groups, permutations of all experts are no symmetry: pairs of experts of one group and of two are told apart,
and the second factorial moment of F may reach 2. That is why groups are compared apart.

Refuses models without routed experts, or whose routing is not known (no router among the tensors, no number of
groups).

Survives permuted units and heads, signs, every change inside experts that keeps what their gates read, a rotated
residual stream, folded norms. Blind to permuted experts, and to routers trained anew.
"""

from __future__ import annotations

import numpy as np

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import enough_anchors, experts_alike, first, on_shared_anchors, same_width
from .blocks import Block, BlockReader, BlocksByLayer
from .counted import Counted, Source, at_most
from .evidence import identity_evidence
from .groups import groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .statistic import Evidence, Statistic


def experts_by_responses(model: Fingerprint) -> BlocksByLayer:
    """Routed experts by the response of their router row and, at full effort, of all their units."""
    return _blocks(model, "responses", *(["experts"] if model.record.effort == "full" else []))


def experts_by_weights(model: Fingerprint) -> BlocksByLayer:
    """Routed experts by their router row."""
    return _blocks(model, "weights")


def _blocks(model: Fingerprint, *parts: str) -> BlocksByLayer:
    """One block for each group of experts that routing treats alike."""
    shape, grid = model.record.architecture, BlocksByLayer()
    starts = range(0, shape.experts, max(1, shape.expert_group))
    for layer in range(shape.layers):
        names = [f"routers.{layer}.{part}" for part in parts]
        if all(name in model.arrays for name in names):
            vectors = [model.arrays[name].astype(np.float64)[None] for name in names]
            grid[layer] = {
                f"group {n}": _block(tuple(x[:, start : start + shape.expert_group] for x in vectors))
                for n, start in enumerate(starts)
            }
    return grid


def _block(vectors: tuple[np.ndarray, ...]) -> Block:
    size = vectors[0].shape[1]
    return Block(np.arange(size), size, vectors, (), copies=1)


def _reader(a: Fingerprint, b: Fingerprint) -> BlockReader:
    return experts_by_responses if enough_anchors(a, b) is None else experts_by_weights


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    few, other_width = enough_anchors(a, b), same_width(a, b)
    neither = few is not None and other_width is not None
    return first(experts_alike(a, b), Phrase.of("both", first=few, second=other_width) if neither else None)


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    least = min(model.record.architecture.expert_group for model in (a, b))
    source, most = Source("experts", _reader(a, b)), min(model.record.architecture.experts for model in (a, b))
    return (Counted("fixed_points", None, (source,), None, least, at_most(a, b, most), of_layer=most),)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    read = _reader(a, b)
    return identity_evidence([groups(read, *on_shared_anchors(a, b))])


_GROUP = (
    "permutations of the routed experts of each layer (inside each group among which routing chooses), independently "
    "of the other layers and groups"
)

EXPERT_IDENTITY = Statistic(
    id="expert_identity",
    version=1,
    title="Routed experts at the same index, by what routes tokens to them",
    null=(
        "The order of the routed experts of each layer (inside each group among which routing chooses) of one model "
        "carries no information about their order in the other."
    ),
    assumptions=(
        EQUIVARIANT_TRAINING.format(group=_GROUP)
        + " It is false where a loss that balances the load divides experts into groups that are not declared.",
        NOT_ARRANGED,
    ),
    survives="permuted units and heads, sign flips, a rotated residual stream, folded norms",
    blind_to="permuted experts, routers trained anew",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    group=_GROUP,
    compares="experts",
)
