"""Agreement of two ways of matching hidden units: the primary panel statistic.

Statistic: the kept units of all MLPs of a layer (dense, experts, shared) are pooled. For a layer of A and
one of B, each unit of A has three nearest units in B: by the cosine of what its gate reads from shared
tokens, by the absolute cosine of what `up` reads, and of what `down` writes. The share of a cell is
(mean(gate = up) + mean(gate = down)) / 2; without a gate, mean(up = down), up by its signed cosine. Layers are
aligned one-to-one by the largest total share; a direction scores the median share of the deeper half of its
aligned pairs, and the score is the larger of A's units matched into B and B's into A.

Deeper half: an aligned pair of layer i of L and layer j of M lies at depth (2i + 1) / 2L + (2j + 1) / 2M, and of n
pairs those are used that are no shallower than the ceil(n/2)-th deepest: the one pair, the deeper of two, two of
three; pairs of equal depth are used together, so the score is symmetric in A and B. With an even number the median is
the mean of the two in the middle.

If two units derive from one unit, all their vectors match, wherever the unit moved and in whatever basis. Unrelated
units have no reason to match, but often do: in the first layer far more than the 1/n of chance, since all models
read the same tokens there, and still more if both were trained on the same text. Hence the median over deeper
layers, not the mean over all (version 1), which the first layer alone could raise. Units of large response resemble
each other most and are few, so all units are kept of small models and the 256 of largest response of others (version
3; the 64 of largest response before): on 78 pairs of strangers the largest score fell from .062 to .028, and a
fine-tuned, permuted and rotated child rose from .81 to .99, an upcycled one from .49 to .87. No theory gives the
null distribution: it is ranked in a panel.

Nearest neighbours, not an assignment: in an upcycled child several experts hold copies of one dense
unit, and the direction from child to parent finds each of them. Sizes may differ. A unit that is
dead in any role matches nothing, and still counts; exact copies within a layer are one unit to be found.

Survives permutation, signs and scaling of units, rotation, removed or repeated layers, upcycling, and all of them at
once. Re-ordered layers are still aligned; the score is then the median over other layers, since the deeper half has
changed. Blind to MLPs trained anew in most of the deeper half; faint on distillation and on small shares of a merge.

Source: phi_MATCH of Zhu et al. 2025 (arXiv 2502.12292), on weights seen by shared tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..base import Phrase, StatisticsError
from ..fingerprint import Fingerprint, bundles, mlp_roles
from ..wording import say
from .applicability import both_mlps, enough_anchors, first, on_shared_anchors
from .hypotheses import PRIMARY_ID
from .similarity import INVARIANCES, Similarity

_CELLS = 1 << 20  # cosines in memory at a time, for each role


@dataclass(frozen=True)
class ResponseGrid:
    """Agreement of two models by pair of layers."""

    layers_a: tuple[int, ...]
    """Layers of A with an MLP: rows of ``shares``."""
    layers_b: tuple[int, ...]
    """Layers of B with an MLP: columns of ``shares``."""
    shares: NDArray[np.float64]
    """Share of agreeing units for each pair of layers, in the better direction of that pair."""
    pairs: tuple[tuple[int, int, float], ...]
    """Aligned layers of A and B and their share in the better direction of the models."""
    score: float
    """Median share of their deeper half: the statistic."""


def response_grid(a: Fingerprint, b: Fingerprint) -> ResponseGrid:
    """The share of agreeing units of every pair of layers, and the layers aligned.

    Raises
    ------
    StatisticsError
        If the statistic does not apply to the models, or no unit of one responds to any token.
    """
    pools_a, pools_b = _checked_pools(a, b)
    for model, pools in ((a, pools_a), (b, pools_b)):
        if not any(pool.alive.any() for pool in pools):
            raise StatisticsError(f"No unit of {model.record.name} responds to any token; look for dead weights.")
    forward, backward = _shares(pools_a, pools_b), _shares(pools_b, pools_a).T
    layers_a, layers_b = (tuple(pool.layer for pool in pools) for pools in (pools_a, pools_b))
    depths = a.record.architecture.layers, b.record.architecture.layers
    found = []
    for table in (forward, backward):
        for rows, columns in (_assign(table), _assign(table.T)[::-1]):  # both assignments, since totals may be equal
            aligned = sorted(zip(rows.tolist(), columns.tolist(), strict=True))
            pairs = tuple((layers_a[i], layers_b[j], float(table[i, j])) for i, j in aligned)
            found.append((deeper_median(pairs, depths), pairs))
    score, better = max(found, key=lambda one: one[0])
    return ResponseGrid(layers_a, layers_b, _frozen(np.maximum(forward, backward)), better, score)


def deeper_median(pairs: Sequence[tuple[int, int, float]], layers: tuple[int, int]) -> float:
    """Median share of the deeper half of aligned layers.

    Parameters
    ----------
    pairs : layer of A, layer of B (from 0) and share of each aligned pair; at least one.
    layers : number of layers of A and of B.

    Examples
    --------
    >>> deeper_median([(0, 0, 0.9), (1, 1, 0.2), (2, 2, 0.4), (3, 3, 0.1)], (4, 4))
    0.25
    """
    depths = [(2 * i + 1) * layers[1] + (2 * j + 1) * layers[0] for i, j, _ in pairs]
    least = sorted(depths)[len(pairs) // 2]
    return float(np.median([share for (_, _, share), depth in zip(pairs, depths, strict=True) if depth >= least]))


@dataclass(frozen=True)
class _Pool:
    """The kept units of all MLPs of a layer, side by side; vectors have shape [units, anchors]."""

    layer: int
    signed: NDArray[np.float32]
    """The vectors matched by cosine: gate, or up where there is no gate."""
    unsigned: tuple[NDArray[np.float32], ...]
    """The vectors matched by absolute cosine: up and down, or down alone."""
    alive: NDArray[np.bool_]
    """Units with a direction in every role, shape [units]."""
    candidates: NDArray[np.intp]
    """Units that others can be matched to: alive, and only the first of exact copies."""


def _refuse(a: Fingerprint, b: Fingerprint) -> Phrase | None:
    return first(both_mlps(a, b), _refuse_one("A", a), _refuse_one("B", b), enough_anchors(a, b))


def _refuse_one(side: str, model: Fingerprint) -> Phrase | None:
    held = any(name.startswith("match.") for name in model.arrays)
    return None if held else Phrase.of("no_match_arrays", model=side)


def _score(a: Fingerprint, b: Fingerprint) -> float:
    return response_grid(a, b).score


def _checked_pools(a: Fingerprint, b: Fingerprint) -> tuple[tuple[_Pool, ...], tuple[_Pool, ...]]:
    reason = _refuse(a, b)
    if reason is not None:
        names = {"A": a.record.name, "B": b.record.name}
        raise StatisticsError(
            f"response_match does not apply to {names['A']} and {names['B']}: {say(reason, names=names)}."
        )
    a, b = on_shared_anchors(a, b)
    return _pools(a), _pools(b)


@lru_cache(maxsize=3)  # two models are compared with many in turn
def _pools(model: Fingerprint) -> tuple[_Pool, ...]:
    """The units of each layer that has an MLP."""
    shape = model.record.architecture
    roles = mlp_roles(shape)
    pools = []
    for layer in range(shape.layers):
        vectors: list[list[NDArray[np.float32]]] = [[] for _ in roles]
        found = 0
        for bundle in bundles(shape, model.record.sketch):
            arrays = [f"match.{layer}.{bundle.name}.{role}" for role in roles]
            if not all(name in model.arrays for name in arrays):
                continue
            units = model.arrays[arrays[0]].shape[1]
            for kept, name in zip(vectors, arrays, strict=True):
                rows = model.arrays[name].astype(np.float32).reshape(bundle.copies * units, -1)
                kept.append(np.where(np.isfinite(rows).all(1, keepdims=True), rows, np.float32(0)))
            found += bundle.copies * units
        if found:
            signed, *unsigned = (np.concatenate(kept) for kept in vectors)
            alive = np.all([x.any(1) for x in (signed, *unsigned)], axis=0)
            candidates = _candidates(np.hstack([signed, *unsigned]), alive)
            pools.append(_Pool(layer, signed, tuple(unsigned), alive, candidates))
    return tuple(pools)


def _candidates(rows: NDArray[np.float32], alive: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Live units, one of several exact copies, since rounding would choose differently in each role."""
    first: dict[bytes, int] = {}
    for i in np.flatnonzero(alive):
        first.setdefault(rows[i].tobytes(), int(i))
    return np.fromiter(first.values(), dtype=np.intp)


def _shares(a: Sequence[_Pool], b: Sequence[_Pool]) -> NDArray[np.float64]:
    """Share of the units of each layer of A that agree on a unit of each layer of B, shape [layers a, layers b].

    All layers of A are matched into one layer of B at a time.
    """
    layer_of = np.repeat(np.arange(len(a)), [len(pool.alive) for pool in a])
    whole = _Pool(
        layer=-1,
        signed=np.concatenate([pool.signed for pool in a]),
        unsigned=tuple(np.concatenate(x) for x in zip(*(pool.unsigned for pool in a), strict=True)),
        alive=np.concatenate([pool.alive for pool in a]),
        candidates=np.empty(0, dtype=np.intp),
    )
    agreeing = (np.bincount(layer_of, _agreement(whole, pool), len(a)) for pool in b)
    return np.stack([*agreeing], axis=1) / np.bincount(layer_of)[:, None]


def _agreement(a: _Pool, b: _Pool) -> NDArray[np.float64]:
    """For each unit of A, the share of the other roles that agree on its nearest unit of B by signed cosine."""
    agree, candidates = np.zeros(len(a.alive)), b.candidates
    if len(candidates) == 0:
        return agree
    signed, unsigned = b.signed[candidates].T, [x[candidates].T for x in b.unsigned]
    step = max(1, _CELLS // len(candidates))
    for rows in (slice(start, start + step) for start in range(0, len(agree), step)):
        by_signed = np.argmax(a.signed[rows] @ signed, axis=1)
        for x, y in zip(a.unsigned, unsigned, strict=True):
            cosine = x[rows] @ y
            agree[rows] += np.argmax(np.abs(cosine, out=cosine), axis=1) == by_signed
    return agree * a.alive / len(unsigned)


def _assign(table: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Layers aligned one-to-one, for the largest total."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(table, maximize=True)
    return rows, columns


def _frozen(table: NDArray[np.float64]) -> NDArray[np.float64]:
    table.flags.writeable = False
    return table


RESPONSE_MATCH = Similarity(
    id=PRIMARY_ID,
    version=3,
    title="Agreement of two ways of matching hidden units",
    source="arXiv 2502.12292",
    measures=(
        "The share of hidden units whose nearest unit in the other model is the same by what the gate reads as by "
        "what up reads and down writes: the median over the deeper half of layers aligned one-to-one."
    ),
    invariances=INVARIANCES - {"layer_order"},
    cost="O(layers^2 units^2 anchors) in blocks of bounded memory, units being those kept per layer.",
    refuse=_refuse,
    score=_score,
)
