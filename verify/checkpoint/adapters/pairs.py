"""RoAd: pairs of outputs of a module, rotated and scaled together with its bias.

Source: Liao and Monz 2024, arXiv 2409.00119. Outputs lie in groups of ``group_size``; output i of the first half of a
group is paired with the one half a group further. With cosine c and sine s of ``road_theta`` times ``road_alpha``, of
each output, y = c x - s x' in the first half of a group and y = c x + s x' in the second, x' being the other of the
pair. ``road_1`` stores one angle of a pair, ``road_2`` one of an output, and ``road_4`` two, the first for c.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..formats.tensor import Indexer, Tensor
from .changed import Changed
from .functions import cosine_and_sine
from .kind import Change, Kind
from .matrix import Numbers, places
from .names import Names
from .settings import Settings, Tensors

_PARTS = ("road_theta", "road_alpha")
_STORED = {"road_1": (1, 2), "road_2": (1, 1), "road_4": (2, 1)}
"""Angles stored for so many outputs."""


@dataclass(frozen=True, eq=False)
class Paired(Changed):
    """A matrix whose rows, or a vector whose numbers, are rotated in pairs."""

    theta: Tensor
    alpha: Tensor
    group: int
    """Outputs of a group."""
    variant: str

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes read of the stored tensor, with the partners of its rows, and of the angles."""
        own, partners = self._rows(rows)
        read = np.union1d(own, partners)
        return self.base.nbytes(read, columns) + self.theta.nbytes() + self.alpha.nbytes()

    def changed(self, rows: Indexer, columns: Indexer) -> Numbers:
        """Some rows and columns."""
        own, partners = self._rows(rows)
        read, at = np.unique(np.concatenate([own, partners]), return_inverse=True)
        found = np.asarray(self.base.read(read, columns), np.float64)
        x, other = found[at[: len(own)]], found[at[len(own) :]]
        shape = (-1, *(1,) * (found.ndim - 1))
        cosine, sine = (part[own].reshape(shape) for part in self._turn)
        rotated: Numbers = cosine * x + sine * other
        return rotated

    def _rows(self, rows: Indexer) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows, and the other of each pair."""
        own = places(self.shape[0])[slice(None) if rows is None else rows]
        half = self.group // 2
        return own, np.where(own % self.group < half, own + half, own - half)

    @cached_property
    def _turn(self) -> tuple[Numbers, Numbers]:
        """What each output, and the other of its pair, is multiplied by."""
        theta, alpha = (np.asarray(part.read(), np.float64) for part in (self.theta, self.alpha))
        i, size, half = places(self.shape[0]), self.group, self.group // 2
        first = i
        if self.variant == "road_1":
            first = i // size * half + i % half
        elif self.variant == "road_4":
            first = i // size * 2 * size + i % size
        second = first + size if self.variant == "road_4" else first
        cosine, sine = cosine_and_sine(theta)
        return alpha[first] * cosine[first], np.where(i % size < half, -1, 1) * alpha[second] * sine[second]


def _changes(settings: Settings, module: str, parts: Tensors, names: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Tensor:
        if sorted(parts) != sorted(_PARTS):
            raise settings.parts_missing(module, parts, " and ".join(_PARTS))
        theta, alpha = (parts[name] for name in _PARTS)
        variant: Any = settings.config.get("variant")
        if not isinstance(variant, str) or variant not in _STORED:
            raise settings.wrong("variant", module, variant, f"one of {', '.join(_STORED)}")
        group, (angles, outputs) = settings.count("group_size", module, 2), _STORED[variant]
        size = base.shape[0] if base.shape else 0
        fits = theta.shape == alpha.shape == (size * angles // outputs,) and size % group == group % 2 == 0
        if len(base.shape) not in (1, 2) or not fits or not size:
            raise settings.unfit(module, {name: part.shape for name, part in parts.items()}, base)
        return Paired(base, theta, alpha, group, variant)

    result: dict[str, Change] = {f"{module}.weight": change}
    if names.find(f"{module}.bias") is not None:
        result[f"{module}.bias"] = change
    return result


ROAD = Kind(_PARTS, _changes)
"""RoAd of linear layers."""
