"""Similarity of the embeddings of shared tokens after the best rotation.

Statistic: with Ea and Eb [tokens, width] the embeddings of shared tokens, centred over tokens, the
largest <Ea Q, Eb> / (|Ea| |Eb|) over orthogonal Q: 1 where one is a rotation of the other.

Only inner products are needed. By Procrustes the maximum is the sum of singular values of Ea' Eb (for
widths that differ, Q has orthonormal rows or columns). Let Ga = Ea Ea' and write the polar decomposition
Ea = Ga^(1/2) Va, where Va Va' is the projection onto the range of Ga; likewise Eb. Then

    Ea' Eb = Va' (Ga^(1/2) Gb^(1/2)) Vb,

and Va', Vb' are isometries on the ranges of the factor between them, so its singular values are those of
Ga^(1/2) Gb^(1/2). As |Ea|^2 = tr Ga, the score is the sum of singular values of Ga^(1/2) Gb^(1/2) with
both matrices double-centred and scaled to trace 1: the fidelity of two density matrices.

With fewer tokens than dimensions some rotation maps any tokens onto any others fairly well: the score is high for all
models, has no absolute meaning, and needs a panel.

Source: MDIR (arXiv 2508.06309), which computes the rotation itself and takes a Haar null, although
Adam is equivariant under signed permutations only.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import enough_anchors, first, present
from .similarity import INVARIANCES, Similarity


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(present("gram.embed")(a, b), enough_anchors(a, b))


def _score(a: Fingerprint, b: Fingerprint) -> float:
    roots = [_root_of(model) for model in (a, b)]
    if not np.isfinite(roots).all():
        return float("nan")
    # both orders, so that swapping the models changes nothing, not even the last bit
    orders = [float(np.linalg.svd(x @ y, compute_uv=False).sum()) for x, y in (roots, roots[::-1])]
    return min(1.0, (orders[0] + orders[1]) / 2)


@lru_cache(maxsize=3)  # two models are compared with many in turn
def _root_of(model: Fingerprint) -> NDArray[np.float64]:
    root = _root(model.arrays["gram.embed"].astype(np.float64))
    root.flags.writeable = False
    return root


def _root(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square root of a Gram matrix [n, n], double-centred and scaled to trace 1; NaN if it is zero."""
    gram = gram - gram.mean(0)
    gram = gram - gram.mean(1, keepdims=True)
    if not np.isfinite(gram).all():
        return np.full_like(gram, np.nan)
    values, vectors = np.linalg.eigh((gram + gram.T) / 2)
    noise = len(gram) * np.finfo(np.float32).eps * values.max()  # of the stored inner products
    values = np.where(values > noise, values, 0.0)
    with np.errstate(invalid="ignore"):
        values = values / values.sum()
    root: NDArray[np.float64] = (vectors * np.sqrt(values)) @ vectors.T
    return root


STREAM_ROTATION = Similarity(
    id="stream_rotation",
    version=1,
    title="Embeddings of shared tokens after the best rotation",
    source="arXiv 2508.06309",
    measures="The cosine of the models' embeddings of shared tokens, centred, after the best rotation of the stream.",
    invariances=INVARIANCES,
    cost="O(anchors^3).",
    refuse=_refuse,
    score=_score,
)
