"""Signs that a file was re-parametrised: descriptions that enter no p-value and no verdict.

A change that keeps a network's function (folded gains, a rotated stream, turned rotary planes, ordered units) is no
evidence of a relation: its maker may have made it for quantisation, pruning or speed. It tells a reader why tests may
be blind to a copy. What is looked for in one model:

- gains: every norm gain is equal in all entries. Training leaves gains that differ; folding leaves ones.
- order: the units of MLPs are ordered by the length of their rows of ``up``, as after sorting for pruning.
- padding: units of length zero.
- twins: units with another of the same direction in every matrix of their own MLP.

In two models:

- stream: one has a dimension that stands out of the embedding and the other, of the same width, has none. Large
  language models have some; a rotation leaves none. Small models may have none from the start.
- turned: rotary planes agree up to a turn each (the moduli of their complex inner products are large), and the turns
  are spread over all angles, or are quarter turns.

The thresholds are conventions, set so that nothing is said of the models of ``benchmarks/zoo`` that nobody changed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase
from ..base.arrays import distinct, median
from ..fingerprint import Fingerprint, bundles, gains_name, mlp_roles
from .applicability import first, known_keys, not_comparable, on_shared_anchors
from .planes import plane_groups, planes_of
from .ties import TiedSets

EQUAL = 1e-3
"""Largest relative spread of gains that count as equal."""
ORDERED = 0.5
"""Least mean rank correlation of lengths of units with their index."""
SOME = 0.01
"""Least share of zero units, or of twins, that is told."""
TWINS = 0.999
"""Least cosine of twins, in every matrix."""
STANDS_OUT = 4.0
"""Least size of a dimension of the embedding, over the median, that stands out."""
EVEN = 2.0
"""Largest such size where none stands out."""
COHERENT = 0.5
"""Least mean modulus of products of planes that agree; between unrelated models of the zoo it is below .26."""
_SPREAD = 3.0  # largest length of the sum of n unit vectors at random, over sqrt(n)
_LEAST = 16  # units or planes


def reworked(a: Fingerprint, b: Fingerprint) -> tuple[Phrase, ...]:
    """Signs of re-parametrisation in A, in B, and between them.

    Examples
    --------
    >>> import verify
    >>> from verify.data import model
    >>> a, b = (verify.fingerprint(model(name)) for name in ("obfuscated", "reference"))
    >>> [(sign.code, sign.values["model"]) for sign in reworked(a, b)]
    [('reworked.gains', 'A')]
    """
    alone = (sign(side, model) for side, model in zip("AB", (a, b), strict=True) for sign in _OF_ONE)
    return tuple(phrase for phrase in (*alone, _stream("A", a, b), _stream("B", b, a), _turned(a, b)) if phrase)


def _gains(side: str, model: Fingerprint) -> Phrase | None:
    names = [
        f"scales.{layer}.{gains_name(sublayer)}"
        for layer in range(model.record.architecture.layers)
        for sublayer in ("attn", "mlp")
    ]
    found = np.array([model.arrays[name] for name in names if name in model.arrays]).reshape(-1, 4)
    mean, least, largest = found[:, 0], found[:, 2], found[:, 3]
    if len(found) < 2 or not np.all(largest - least <= EQUAL * np.abs(mean)):  # not so if one is not finite
        return None
    return Phrase.of(
        "reworked.gains", model=side, norms=len(found), least=float(least.min()), largest=float(largest.max())
    )


def _order(side: str, model: Fingerprint) -> Phrase | None:
    found = []
    for lengths in _lengths(model):
        alive = lengths[lengths > 0]
        if len(alive) >= _LEAST and len(distinct(alive)) > 1:
            ranks = np.argsort(np.argsort(alive, kind="stable"), kind="stable")
            found.append(float(np.corrcoef(ranks, np.arange(len(alive)))[0, 1]))
    if not found or abs(np.mean(found)) < ORDERED:
        return None
    return Phrase.of("reworked.order", model=side, correlation=float(np.mean(found)), mlps=len(found))


def _padding(side: str, model: Fingerprint) -> Phrase | None:
    return _some("reworked.padding", side, [lengths == 0 for lengths in _lengths(model)])


def _twins(side: str, model: Fingerprint) -> Phrase | None:
    return _some("reworked.twins", side, [_have_twins(vectors) for vectors in _units(model)])


_OF_ONE = (_gains, _order, _padding, _twins)


def _stream(side: str, model: Fingerprint, other: Fingerprint) -> Phrase | None:
    own, others = (_largest_dimension(one) for one in (model, other))
    same = model.record.architecture.width == other.record.architecture.width
    if own is None or others is None or not same or own > EVEN or others < STANDS_OUT:
        return None
    return Phrase.of("reworked.stream", model=side, ratio=own, other=others)


def _turned(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    sizes = {model.record.architecture.rotary_size for model in (a, b)}
    held = all("key_responses" in model.record.components for model in (a, b))
    if len(sizes) > 1 or 0 in sizes or not held or first(known_keys(a, b), not_comparable(a, b)) is not None:
        return None
    x, y = (planes_of(model, "key_responses") for model in on_shared_anchors(a, b))
    groups = plane_groups(x, y, (TiedSets(), TiedSets())).separate
    z = np.concatenate([np.zeros(0, complex), *(group.products for group in groups)]) / max(1, len(x.parts))
    z = z[z != 0]
    if len(z) < _LEAST or np.abs(z).mean() < COHERENT:
        return None
    turns = z / np.abs(z)
    together, by_quarters = (float(np.abs((turns**k).sum()) / np.sqrt(len(z))) for k in (1, 4))
    if together > _SPREAD:
        return None
    return Phrase.of(
        "reworked.quarter_turns" if by_quarters > _SPREAD else "reworked.turned",
        coherence=float(np.abs(z).mean()),
        planes=len(z),
    )


def _lengths(model: Fingerprint) -> Iterator[NDArray[np.float64]]:
    """Lengths of the units that were read, by MLP."""
    for layer in range(model.record.architecture.layers):
        for bundle in bundles(model.record.architecture, model.record.sketch):
            yield from model.arrays.get(f"scales.{layer}.{bundle.name}", np.zeros((0, 0))).astype(np.float64)


def _units(model: Fingerprint) -> Iterator[list[NDArray[np.float64]]]:
    """Directions of the units that were read in each matrix, by MLP."""
    for layer in range(model.record.architecture.layers):
        for bundle in bundles(model.record.architecture, model.record.sketch):
            names = [f"units.{layer}.{bundle.name}.{role}" for role in mlp_roles(model.record.architecture)]
            held = [model.arrays[name].astype(np.float64) for name in names if name in model.arrays]
            for copy in range(bundle.copies if held else 0):
                yield [array[copy] for array in held]


def _have_twins(vectors: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    cosines = np.min([np.abs(rows @ rows.T) for rows in vectors], axis=0)
    np.fill_diagonal(cosines, 0.0)
    twins: NDArray[np.bool_] = cosines.max(axis=1, initial=0.0) > TWINS
    return twins


def _some(code: str, side: str, marked: list[NDArray[np.bool_]]) -> Phrase | None:
    count, of = sum(int(one.sum()) for one in marked), sum(len(one) for one in marked)
    return Phrase.of(code, model=side, count=count, of=of) if count and count >= SOME * of else None


def _largest_dimension(model: Fingerprint) -> float | None:
    """The largest size of a dimension of the embedding over the median; None if unknown."""
    sizes = model.arrays.get("scales.embed", np.zeros(0)).astype(np.float64)
    sizes = sizes[np.isfinite(sizes)]
    middle = median(sizes) if len(sizes) >= _LEAST else 0.0
    return float(sizes.max()) / middle if middle > 0 else None
