"""Geometry of queries and keys: inner products of their columns, residual dimensions assigned by the embedding.

Dimensions: each dimension of the residual stream is a vector over the shared tokens, the column of the embedding less
its mean. Those of A and B are assigned one-to-one for the largest total absolute correlation, and the sign of a
correlation is that of the pair. (Cosines, as in AWM, would also be high for dimensions with a mean in common.) Equal
dimensions have equal columns below, so ties among them change nothing.

Columns: of W (Wq or Wk of a layer, the norm gain folded in) a fingerprint holds the responses R = W X' of some rows
to the tokens, X [tokens, width] being their centred embeddings. With G = X X', D [tokens, dimensions] the assigned
dimensions, each of length 1, and c a hundredth of the mean eigenvalue of G,

    C = R S,  S = (G + c I)^-1 D,

holds by ridge regression the columns of W, each over the length of its dimension: with more tokens than width nearly
those of W, with fewer those of W on the span of the tokens.

Statistic: the cosine of the models' C'C, over pairs of different dimensions and less their part along S'G S. Its
mean over q and k is the cell of a pair of layers; layers are aligned one-to-one for the largest total, and the score
is the mean over them. This is the unbiased CKA of AWM (no diagonal, so near 0 for unrelated columns of any number)
but for:

- no centring over dimensions, whose signs are arbitrary: a mean over them would change when both models' are flipped;
- the part along S'G S, the mean of C'C over random W, which tells of the embedding alone: with it, a model of random
  queries and keys on the embedding of another of 576 dimensions scores .32, without it .05.

Survives any order and signs of the stream's dimensions, any order of layers and heads, turned rotary planes, and
scales moved between q and k. Where the stream is wider than what the sketch keeps, only dimensions kept of both
models can be assigned to each other, so a permutation leaves little. Blind to a rotated stream, to queries and keys
trained anew, and to most of a merge. It sees long training from a common initialisation better than similarities that
a rotation leaves.

Source: AWM (arXiv 2510.06738), there on all tokens and whole columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase
from ..fingerprint import Fingerprint
from .alignment import assign
from .applicability import enough_anchors, first, present, responses_of_keys
from .similarity import INVARIANCES, Similarity

_RIDGE = 0.01  # of the mean eigenvalue; anything between .001 and .1 separates the shipped models alike
_CONSTANT = 2.0**-10  # what rounding to float16 can leave of a dimension that all tokens share
_LEAST = 4  # dimensions, so that their pairs tell something beside S'G S

Matrix = NDArray[np.float64]


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(responses_of_keys(a, b), present("stream.embed", "gram.embed")(a, b), enough_anchors(a, b))


def _score(a: Fingerprint, b: Fingerprint) -> float:
    # in an order of its own, so that swapping the models changes nothing, not even the last bit
    a, b = sorted((a, b), key=lambda model: (model.record.content_sha256, model.record.arrays_sha256))
    x, y = _dimensions(a), _dimensions(b)
    correlations = x @ y.T
    if not np.isfinite(correlations).all():
        return float("nan")
    rows, columns = assign(np.abs(correlations))
    signs = np.sign(correlations[rows, columns])
    rows, columns, signs = rows[signs != 0], columns[signs != 0], signs[signs != 0]
    if len(signs) < _LEAST:
        return float("nan")
    queries, keys = zip(_kernels(a, x[rows]), _kernels(b, y[columns] * signs[:, None]), strict=True)
    table = (queries[0] @ queries[1].T + keys[0] @ keys[1].T) / 2
    return float(table[assign(table)].mean()) if np.isfinite(table).all() else float("nan")


def _dimensions(model: Fingerprint) -> Matrix:
    """The kept dimensions over the tokens, [dimensions, tokens], centred and of length 1; 0 if constant."""
    columns = model.arrays["stream.embed"].astype(np.float64)
    columns -= columns.mean(1, keepdims=True)
    length = np.sqrt(np.square(columns).sum(1, keepdims=True))
    columns /= np.where(length <= _CONSTANT, np.inf, length)
    return columns


def _kernels(model: Fingerprint, dimensions: Matrix) -> tuple[Matrix, Matrix]:
    """What the statistic compares of q and of k: [layers, pairs of dimensions], of length 1; NaN where dead."""
    gram = model.arrays["gram.embed"].astype(np.float64)
    gram = gram - gram.mean(0)
    gram = gram - gram.mean(1, keepdims=True)
    ridge = _RIDGE * np.trace(gram) / len(gram) or np.nan
    solved = np.linalg.solve(gram + ridge * np.eye(len(gram)), dimensions.T)
    pairs = np.triu_indices(len(dimensions), 1)
    expected = _unit((solved.T @ gram @ solved)[pairs])

    def kernels(role: str) -> Matrix:
        columns = [responses @ solved for responses in _responses(model, role)]
        found = [(c.T @ c)[pairs] for c in columns]
        return np.stack([_unit(kernel - (kernel @ expected) * expected) for kernel in found])

    return kernels("q"), kernels("k")


def _responses(model: Fingerprint, role: str) -> list[Matrix]:
    """Responses of the kept rows of q or k, turned by positions or not, to the tokens: [rows, tokens] by layer."""
    layers = range(model.record.architecture.layers)
    parts = [[f"key_responses.{layer}.{part}.{role}" for part in ("turned", "plain")] for layer in layers]
    held = [[model.arrays[name] for name in names if name in model.arrays] for names in parts]
    return [np.concatenate([x.reshape(-1, x.shape[-1]) for x in rows]).astype(np.float64) for rows in held if rows]


def _unit(x: Matrix) -> Matrix:
    with np.errstate(invalid="ignore", divide="ignore"):
        unit: Matrix = x / np.sqrt(x @ x)
    return unit


ASSIGNED_GEOMETRY = Similarity(
    id="assigned_geometry",
    version=1,
    title="Geometry of queries and keys on assigned dimensions",
    source="arXiv 2510.06738",
    measures=(
        "The cosine of the inner products of the columns of queries and keys, as shared tokens show them, with the "
        "dimensions of the residual stream assigned by the embedding: the mean over layers aligned one-to-one."
    ),
    invariances=INVARIANCES - {"stream_rotation"},
    cost="O(dimensions^3 + layers dimensions^2 (rows + layers)), dimensions and rows being those kept.",
    refuse=_refuse,
    score=_score,
)
