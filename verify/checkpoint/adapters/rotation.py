"""OFT: W Rᵀ, with R made of orthogonal blocks on the side of the inputs.

Source: Qiu et al. 2023, arXiv 2306.07280, in the form of Qiu et al. 2025, arXiv 2506.19847. A row of ``oft_R`` holds
the entries above the diagonal of a skew matrix Q, one for each block of inputs, or one for all (``block_share``).
R = (I - Q) (I + Q)⁻¹ (Cayley), or its series I + 2 Q + 2 Q² + ... + Qⁿ⁻¹, of which peft adds the last
power once, for ``use_cayley_neumann`` with n terms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...base import UnsupportedError
from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Numbers, Rows, places, product
from .names import Names
from .settings import ELSEWHERE, Settings, Tensors
from .sum import Sum

_LARGEST_BLOCK = 1 << 10
_MOST = 1 << 25  # numbers of all blocks of a matrix
_MOST_TERMS = 64
_MOST_PRODUCTS = 1 << 35  # of numbers, to sum the series of all blocks of a matrix
_FIRST_NEUMANN = (0, 18)  # peft before it summed the series otherwise


@dataclass(frozen=True, eq=False)
class Turned:
    """W (R - I)ᵀ, the change that rotations of blocks of inputs make."""

    base: Tensor
    entries: Tensor
    """Entries of Q above its diagonal [blocks, b (b - 1) / 2]."""
    size: int
    """b, inputs of a block."""
    terms: int | None
    """Terms of the Neumann series; None for the exact inverse."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.base.shape

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns, of which whole blocks are read."""
        chosen = places(self.shape[1])[slice(None) if columns is None else columns]
        blocks, at = np.unique(chosen // self.size, return_inverse=True)
        inputs = (blocks[:, None] * self.size + places(self.size)).reshape(-1)
        found = np.asarray(self.base.read(rows, inputs), np.float64)
        found = found.reshape(len(found), len(blocks), self.size)
        turned = _turned(self)
        turned = turned if len(turned) == 1 else turned[blocks]
        within = at * self.size + chosen % self.size

        def computed(which: slice) -> Numbers:
            part = found[which]
            change, term = np.zeros_like(part), np.empty_like(part)
            for k in range(self.size):
                np.multiply(part[:, :, k, None], turned[:, :, k], out=term)
                change += term
            return change.reshape(len(part), len(inputs))[:, within]

        return computed

    def nbytes(self) -> int:
        """Of the entries; the matrix is counted where it is added."""
        return self.entries.nbytes()


@lru_cache(maxsize=1)
def _turned(rotation: Turned) -> Numbers:
    """R - I of each block; kept for the rows of one matrix, which are read one after the other."""
    entries, size = np.asarray(rotation.entries.read(), np.float64), rotation.size
    one, skew = np.eye(size), np.zeros((len(entries), size, size))
    skew[:, *np.triu_indices(size, 1)] = entries
    skew -= skew.transpose(0, 2, 1)
    if rotation.terms is None:
        return cayley(skew) - one
    if rotation.terms == 2:
        return 2 * skew
    total, power = np.zeros_like(skew), skew
    for _ in range(max(4, rotation.terms) - 2):  # peft takes 3 terms as 4
        total += 2 * power
        power = product(power, skew)
    return total + power


def cayley(skew: Numbers) -> Numbers:
    """(I - Q) (I + Q)⁻¹ of skew matrices Q [blocks, b, b]."""
    one = np.eye(skew.shape[-1])
    return product(one - skew, _inverse(one + skew))


def fits_bounds(count: int, size: int) -> bool:
    """Whether so many blocks of this size can be held and inverted."""
    return 2 <= size <= _LARGEST_BLOCK and 0 < count * size * size <= _MOST


def _inverse(x: Numbers) -> Numbers:
    """Inverses by Gauss and Jordan, in a fixed order of sums; I plus a skew matrix needs no pivoting."""
    size = x.shape[-1]
    both = np.concatenate([x, np.broadcast_to(np.eye(size), x.shape)], axis=2)
    for k in range(size):
        both[:, k] /= both[:, k, k, None]
        others = places(size) != k
        both[:, others] -= both[:, others, k, None] * both[:, k, None]
    return both[:, :, size:]


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        entries = parts["oft_R"]
        count, numbers = entries.shape if len(entries.shape) == 2 else (0, 0)
        size = (1 + round((1 + 8 * numbers) ** 0.5)) // 2
        inputs = base.shape[1] if len(base.shape) == 2 else 0
        fits = fits_bounds(count, size) and numbers == size * (size - 1) // 2
        shared = settings.flag("block_share") and count == 1 and inputs % size == 0
        if not fits or not (shared or count * size == inputs) or settings.turned(base):
            raise settings.unfit(module, {"oft_R": entries.shape}, base, " (fan_in_fan_out is not merged)")
        terms = _terms(settings, module)
        if terms is not None and count * size**3 * max(0, terms - 2) > _MOST_PRODUCTS:
            raise UnsupportedError(
                f"{settings.name} rotates {module!r:.200} by {terms} terms of blocks of {size}, which take more than "
                f"{_MOST_PRODUCTS:.1e} products; {ELSEWHERE}."
            )
        return Sum(base, Turned(base, entries, size, terms))

    return {f"{module}.weight": change}


def _terms(settings: Settings, module: str) -> int | None:
    neumann = settings.config.get("use_cayley_neumann")
    if neumann is False:
        return None
    version = re.match(r"(\d{1,4})\.(\d{1,4})\.", str(settings.config.get("peft_version")))
    if neumann is not True or version is None or (int(version[1]), int(version[2])) < _FIRST_NEUMANN:
        raise UnsupportedError(
            f"{settings.name} rotates by a form of OFT older than peft 0.18, which sums its series otherwise; "
            f"{ELSEWHERE}."
        )
    terms = settings.count("num_cayley_neumann_terms", module, 2)
    if terms > _MOST_TERMS:
        raise settings.wrong("num_cayley_neumann_terms", module, terms, f"at most {_MOST_TERMS}")
    return terms


OFT = Kind(("oft_R",), _changes, ("coft",))
"""OFT of linear layers."""
