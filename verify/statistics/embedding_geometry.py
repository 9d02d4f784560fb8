"""Geometry of token embeddings: unbiased CKA of the embeddings of shared tokens.

Statistic: with K and L the inner products of the embeddings of n shared tokens, the cosine of the
U-centred matrices, which is HSIC_1(K, L) / sqrt(HSIC_1(K, K) HSIC_1(L, L)) with the unbiased estimator

    HSIC_1(K, L) = [tr(K L) + 1'K1 1'L1 / ((n-1)(n-2)) - 2/(n-2) 1'K L1] / (n(n-3)),

K and L with zero diagonals (Song et al. 2012; Nguyen et al. 2021). Near 0 for unrelated geometry,
whatever the number of tokens and dimensions; 1 for equal ones.

Inner products do not depend on the basis of the residual stream. CKA on them is therefore already invariant
to its permutation, signs and rotation, and to different widths; the assignment of dimensions that AWM
makes first is not needed here (``assigned_geometry`` makes it). It reads only the embedding: blind to the body of the
model.

Source: AWM (arXiv 2510.06738).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import enough_anchors, first, present
from .similarity import INVARIANCES, Similarity


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(present("gram.embed")(a, b), enough_anchors(a, b))


def _score(a: Fingerprint, b: Fingerprint) -> float:
    u, v = (_u_centred(model.arrays["gram.embed"].astype(np.float64)) for model in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.sum(u * v) / (np.sqrt(np.sum(u * u)) * np.sqrt(np.sum(v * v))))


def _u_centred(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """U-centred Gram matrix [n, n]: HSIC_1(K, L) is the sum of products of two of them, over n(n-3)."""
    n = len(gram)
    off = gram - np.diag(np.diag(gram))
    rows = off.sum(1) / (n - 2)
    centred: NDArray[np.float64] = off - rows[:, None] - rows + off.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(centred, 0.0)
    return centred


EMBEDDING_GEOMETRY = Similarity(
    id="embedding_geometry",
    version=1,
    title="Geometry of shared tokens' embeddings",
    source="arXiv 2510.06738",
    measures="Unbiased centred kernel alignment of the inner products of shared tokens' embeddings.",
    invariances=INVARIANCES,
    cost="O(anchors^2).",
    refuse=_refuse,
    score=_score,
)
