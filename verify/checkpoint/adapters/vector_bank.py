"""VB-LoRA: W + B A, with factors put together from the vectors of one bank that all modules share.

Source: Li, Han and Ji 2024, arXiv 2405.15179. Of ``vblora_logits_A`` [r, in / v, h] and ``vblora_logits_B``
[out / v, r, h], each of the first two places has the mean of the k vectors of ``vblora_vector_bank`` [h, v] with the
largest logits, weighted by the softmax of these k. ``..._topk_indices`` and ``..._topk_weights`` hold places and
weights in place of the logits, the last weight being what is left of 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...base import UnsupportedError
from ..formats.tensor import Indexer, Tensor
from .functions import exp
from .kind import Change, Kind
from .matrix import Numbers, Product, Rows, oriented
from .names import Names
from .settings import ELSEWHERE, Settings, Tensors
from .sparse import read_places
from .sum import Sum

BANK = "vblora_vector_bank"
"""Name of the shared vectors."""
_LOGITS = ("vblora_logits_A", "vblora_logits_B")
_CHOSEN = tuple(f"{name}_topk_{what}" for name in _LOGITS for what in ("indices", "weights"))


@dataclass(frozen=True, eq=False)
class Mixed:
    """A factor: at each place of the first two axes of the weights, a weighted sum of vectors."""

    weights: Numbers
    """Shape [rows, columns, k]."""
    chosen: NDArray[np.int64]
    """Of which vectors; likewise."""
    bank: Tensor
    along: int
    """Axis along which vectors lie: 1 for A, 0 for B."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        rows, columns, _ = self.weights.shape
        length = self.bank.shape[1]
        return (rows, columns * length) if self.along else (rows * length, columns)

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        found = self._whole if rows is None else self._whole[rows]
        found = found if columns is None else found[:, columns]
        return lambda which: found[which]

    def nbytes(self) -> int:
        """Of the weights; the bank is read once for all."""
        return self.weights.nbytes

    @cached_property
    def _whole(self) -> Numbers:
        bank = np.asarray(self.bank.read(), np.float64)
        total = np.zeros((*self.weights.shape[:2], bank.shape[1]))
        for k in range(self.weights.shape[2]):
            total += self.weights[:, :, k, None] * bank[self.chosen[:, :, k]]
        return (total if self.along else total.transpose(0, 2, 1)).reshape(self.shape)


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        turned = settings.turned(base)
        size, bank = base.shape[::-1] if turned else base.shape, settings.shared.get(BANK)
        if bank is None or len(bank.shape) != 2:
            raise UnsupportedError(
                f"{settings.name} does not hold its bank of vectors {BANK} as a matrix; save it anew, or {ELSEWHERE}."
            )
        given = next((kind for kind in (_LOGITS, _CHOSEN) if sorted(parts) == sorted(kind)), None)
        if given is None:
            raise settings.parts_missing(module, parts, " and ".join(_LOGITS))
        rank, most, (count, length) = settings.rank(module), settings.count("topk", module), bank.shape
        shapes = {name: parts[name].shape for name in given} | {BANK: bank.shape}
        tiles = [(rank, size[-1] // max(1, length)), (size[0] // max(1, length), rank)]
        last = [(count,)] if given is _LOGITS else [(most,), (most - 1,)]
        wanted = [(*at, *end) for at in tiles for end in last]
        fits = len(size) == 2 and length and not size[0] % length + size[1] % length and most <= count
        if not fits or [*shapes.values()][:-1] != wanted:
            raise settings.unfit(module, shapes, base, f" at rank {rank} and topk {most}")
        a, b = (
            Mixed(*_weighted(settings, module, parts, name, most, count), bank, along)
            for along, name in zip((1, 0), _LOGITS, strict=True)
        )
        return Sum(base, oriented(Product(b, a), turned))

    return {f"{module}.weight": change}


def _weighted(
    settings: Settings, module: str, parts: Tensors, name: str, most: int, count: int
) -> tuple[Numbers, NDArray[np.int64]]:
    """Weights and places of the vectors of a factor."""
    if name not in parts:
        places, weights = parts[f"{name}_topk_indices"], parts[f"{name}_topk_weights"]
        known = np.asarray(weights.read(), np.float64)
        rest = np.ones(known.shape[:2])
        for k in range(most - 1):
            rest -= known[:, :, k]
        return np.concatenate([known, rest[:, :, None]], axis=2), read_places(settings, module, places, count)
    logits = np.asarray(parts[name].read(), np.float64)
    chosen = np.argsort(-logits, axis=2, kind="stable")[:, :, :most]
    largest = np.take_along_axis(logits, chosen, axis=2)
    with np.errstate(invalid="ignore"):
        weights_of = exp(largest - largest[:, :, :1])
    total = np.zeros(weights_of.shape[:2])
    for k in range(most):
        total += weights_of[:, :, k]
    return weights_of / total[:, :, None], chosen


VBLORA = Kind((*_LOGITS, *_CHOSEN), _changes)
"""VB-LoRA of linear layers."""
