"""Key-value heads that kept their index, by what they do with shared tokens.

Statistic: the number F of kv heads of A whose unique best match among B's heads of the aligned layer sits at the
same index. A head, together with the query heads that read it, is described by two functions of the anchors
(``fingerprint.heads``): the logits of a token that attends to itself, and what is written of it along its own
embedding, both centred over the anchors; the score is the mean cosine. The first is left out where a model norms
queries and keys in a way that is not known.

Group: permutations of the kv heads of a layer, each with its query heads, independently per layer (layers found to
be copies share one). L is the number of aligned layers.

Proof. Attention adds up what its query heads write, each from the keys and values of its own kv head. So if the rows
of k and v, and with them the rows of q, the columns of o and all that belongs to one head (biases, gains, sinks),
are permuted by kv heads, the sum has the same terms. Initial matrices of independent entries with one distribution
have one law under these permutations; optimisers that act on entries, or on whole matrices by their products, carry
them along. The functions of a head are computed from its own rows and columns and from what all heads share, so
those of a model with permuted heads are permuted, and the score array likewise. Layers are aligned by the mean best
score, which no permutation of heads changes. Null distribution: ``inference.fixed_points``, whatever the number of
heads. ∎

Refuses heads that are told apart: by slopes of ALiBi, or by one table of position biases for all layers (T5, MPNet),
whose columns tie the heads of all layers to one permutation; layers that read keys of other layers (Gemma 3n); one
kv head per layer. Two kv heads per layer cannot give less than L^L L! / (2 L)!, or 3e-6 for 32 layers.

Survives every change of basis inside heads (of value channels; of keys with queries, so turned planes and scales
too), the order of the query heads of a kv head, units and experts in any order, a rotated residual stream, folded
norms, a changed width. Blind to permuted heads.
"""

from __future__ import annotations

import numpy as np

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import enough_anchors, first, heads_alike, on_shared_anchors
from .blocks import Block, BlockReader, BlocksByLayer
from .counted import Counted, Source, at_most
from .evidence import identity_evidence
from .groups import groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .statistic import Evidence, Statistic


def heads(model: Fingerprint) -> BlocksByLayer:
    """The kv heads of each layer as one block, by the logits of tokens and by what is written of them."""
    return _blocks(model, "qk", "vo")


def heads_by_values(model: Fingerprint) -> BlocksByLayer:
    """The same, by what is written alone."""
    return _blocks(model, "vo")


def _blocks(model: Fingerprint, *circuits: str) -> BlocksByLayer:
    size = model.record.architecture.kv_heads
    grid: BlocksByLayer = {}
    for layer in range(model.record.architecture.layers):
        names = [f"heads.{layer}.{circuit}" for circuit in circuits]
        if all(name in model.arrays for name in names):
            vectors = tuple(model.arrays[name].astype(np.float64)[None] for name in names)
            grid[layer] = {"heads": Block(np.arange(size), size, vectors, (), copies=1)}
    return grid


def _reader(a: Fingerprint, b: Fingerprint) -> BlockReader:
    """By both functions where both models have both, as their architectures tell."""
    known = all(model.record.architecture.query_key_norm in ("none", "gain") for model in (a, b))
    return heads if known else heads_by_values


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(heads_alike(a, b), enough_anchors(a, b))


def _counts(a: Fingerprint, b: Fingerprint) -> tuple[Counted, ...]:
    least = min(model.record.architecture.kv_heads for model in (a, b))
    source = Source("heads", _reader(a, b))
    return (Counted("fixed_points", None, (source,), None, least, at_most(a, b, least), of_layer=least),)


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    a, b = on_shared_anchors(a, b)
    return identity_evidence([groups(_reader(a, b), a, b)])


_GROUP = "permutations of the kv heads of each layer, each with its query heads, independently of the other layers"

HEAD_IDENTITY = Statistic(
    id="head_identity",
    version=1,
    title="Attention heads at the same index, by what they do with shared tokens",
    null=(
        "The order of the key-value heads of each layer of one model carries no information about their order in the "
        "other."
    ),
    assumptions=(EQUIVARIANT_TRAINING.format(group=_GROUP), NOT_ARRANGED),
    survives=(
        "any change of basis inside heads, turned keys and queries, permuted units and experts, a rotated residual "
        "stream, folded norms"
    ),
    blind_to="permuted heads",
    refuse=_refuse,
    run=_run,
    counts=_counts,
    group=_GROUP,
    compares="heads",
)
