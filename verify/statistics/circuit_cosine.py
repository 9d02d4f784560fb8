"""Cosine of the circuits of the last layers on shared tokens.

Statistic: with X the embeddings of shared tokens (norm gains folded in), the circuits of a layer
are the products X Wq' Wk X', X Wv' Wo' X' and X Wup' Wdown' X' [tokens, tokens]. The score is the mean of
the cosine between the models' circuits, over the circuits both have and the last two layers, the
last with the last and the last but one with the last but one.

A product does not depend on order, sign, scale or basis of the channels between its matrices, nor on a rotation of
the residual stream. It changes with the order of layers. A mixture of experts has no dense up and down, so against
one the score is over attention alone.

Source: HuRef (arXiv 2312.04828), there with 4096 frequent tokens.
"""

from __future__ import annotations

import numpy as np

from ..base import Phrase
from ..fingerprint import Fingerprint
from .applicability import enough_anchors, first
from .similarity import INVARIANCES, Similarity

_LAST = 2
_CIRCUITS = ("qk", "vo", "ffn")


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(None if _shared(a, b) else Phrase.of("no_common_circuit"), enough_anchors(a, b))


def _score(a: Fingerprint, b: Fingerprint) -> float:
    return float(np.mean([_cosine(a.arrays[x], b.arrays[y]) for x, y in _shared(a, b)]))


def _shared(a: Fingerprint, b: Fingerprint) -> list[tuple[str, str]]:
    """Names of the arrays to compare, counted from the last layer."""
    depths = [model.record.architecture.layers for model in (a, b)]
    names = [
        (f"circuit.{depths[0] - back}.{circuit}", f"circuit.{depths[1] - back}.{circuit}")
        for back in range(1, _LAST + 1)
        for circuit in _CIRCUITS
    ]
    return [(x, y) for x, y in names if x in a.arrays and y in b.arrays]


def _cosine(x: np.ndarray, y: np.ndarray) -> float:
    """Cosine of two matrices; NaN if one is zero."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.sum(x * y) / (np.sqrt(np.sum(x * x)) * np.sqrt(np.sum(y * y))))


CIRCUIT_COSINE = Similarity(
    id="circuit_cosine",
    version=1,
    title="Circuits of the last layers on shared tokens",
    source="arXiv 2312.04828",
    measures="The mean cosine of the attention and MLP circuits of the last two layers, seen on shared tokens.",
    invariances=INVARIANCES - {"layer_order"},
    cost="O(anchors^2).",
    refuse=_refuse,
    score=_score,
)
