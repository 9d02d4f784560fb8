"""FourierFT: W plus the real part of the inverse Fourier transform of a few learned numbers.

Source: Gao et al. 2024, arXiv 2405.03003. ``fourierft_spectrum`` [n] lies at places of an [out, in] matrix that
``random_loc_seed`` gives (``seeded``); the change is its transform, over out x in, times ``scaling``.

The transform is summed over outputs at the places alone, and over inputs by the divisions of their number into
primes, each sum in a fixed order, so that a row has the same bits whatever else is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from ..formats.tensor import Indexer, Tensor
from .functions import roots_of_one
from .kind import Change, Kind
from .matrix import Numbers, Rows, oriented, places
from .names import Names
from .seeded import places_of
from .settings import Settings, Tensors
from .sum import Sum

_LARGEST_PRIME = 512


@dataclass(frozen=True, eq=False)
class Waves:
    """The real part of the inverse transform."""

    spectrum: Tensor
    at: NDArray[np.int64]
    """Outputs' and inputs' frequencies, shape [2, n]."""
    shape: tuple[int, ...]
    """Rows and columns."""

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns; whole rows are computed."""
        chosen = places(self.shape[0])[slice(None) if rows is None else rows]

        def computed(which: slice) -> Numbers:
            found = self._rows(chosen[which])
            return found if columns is None else found[:, columns]

        return computed

    def nbytes(self) -> int:
        """Of the spectrum."""
        return self.spectrum.nbytes()

    def _rows(self, chosen: NDArray[np.intp]) -> Numbers:
        numbers, (cosine, sine) = self._numbers, _roots(self.shape[0])
        phase = chosen[:, None] * self.at[0] % self.shape[0]
        real, imaginary = (np.zeros((len(chosen), self.shape[1])) for _ in range(2))
        for which in self._apart:
            real[:, self.at[1, which]] += cosine[phase[:, which]] * numbers[which]
            imaginary[:, self.at[1, which]] += sine[phase[:, which]] * numbers[which]
        found, _ = _transformed(real, imaginary)
        return found / (self.shape[0] * self.shape[1])

    @cached_property
    def _numbers(self) -> Numbers:
        return np.asarray(self.spectrum.read(), np.float64)

    @cached_property
    def _apart(self) -> list[NDArray[np.intp]]:
        """Which numbers are of different inputs, in as few parts as that takes."""
        order = np.argsort(self.at[1], kind="stable")
        found = self.at[1, order]
        nth = np.arange(len(found)) - np.searchsorted(found, found)
        return [order[nth == k] for k in range(int(nth.max(initial=-1)) + 1)]


def _transformed(real: Numbers, imaginary: Numbers) -> tuple[Numbers, Numbers]:
    """Σ over k of x[k] exp(2 pi i j k / n) along the last axis, by its smallest prime first (Cooley and Tukey)."""
    size = real.shape[-1]
    if size == 1:
        return real, imaginary
    prime = smallest_prime(size)
    rest = size // prime
    apart = [part.reshape(*part.shape[:-1], rest, prime).swapaxes(-1, -2) for part in (real, imaginary)]
    x, y = _transformed(*apart)
    cosine, sine = _roots(size)
    turn = np.arange(1, prime)[:, None] * np.arange(rest) % size
    c, s = cosine[turn], sine[turn]
    first, second = (np.empty_like(part) for part in (x, y))
    x, y, x0, y0 = (
        x[..., 1:, :] * c - y[..., 1:, :] * s,
        x[..., 1:, :] * s + y[..., 1:, :] * c,
        x[..., 0, :],
        y[..., 0, :],
    )
    if prime == 2:
        for out, even, odd in ((first, x0, x[..., 0, :]), (second, y0, y[..., 0, :])):
            np.add(even, odd, out=out[..., 0, :])
            np.subtract(even, odd, out=out[..., 1, :])
        return first.reshape(real.shape), second.reshape(real.shape)
    cosine, sine = _roots(prime)
    for a in range(prime):
        first[..., a, :], second[..., a, :] = x0, y0
        for k in range(1, prime):
            c, s = cosine[a * k % prime], sine[a * k % prime]
            first[..., a, :] += x[..., k - 1, :] * c - y[..., k - 1, :] * s
            second[..., a, :] += x[..., k - 1, :] * s + y[..., k - 1, :] * c
    return first.reshape(real.shape), second.reshape(real.shape)


@lru_cache(maxsize=64)
def _roots(order: int) -> tuple[Numbers, Numbers]:
    return roots_of_one(order)


def smallest_prime(number: int) -> int:
    """The smallest prime that divides a number of at least 2."""
    return next((k for k in range(2, int(number**0.5) + 1) if number % k == 0), number)


def _largest_prime(number: int) -> int:
    largest = 1
    while number > 1:
        largest = smallest_prime(number)
        number //= largest
    return largest


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        spectrum, turned = parts["fourierft_spectrum"], settings.turned(base)
        size = base.shape[::-1] if turned else base.shape
        number = spectrum.shape[0] if len(spectrum.shape) == 1 else 0
        if len(size) != 2 or not 0 < number <= size[0] * size[1]:
            raise settings.unfit(module, {"fourierft_spectrum": spectrum.shape}, base)
        if _largest_prime(size[1]) > _LARGEST_PRIME:
            raise settings.unfit(
                module, {"fourierft_spectrum": spectrum.shape}, base, f" (primes over {_LARGEST_PRIME})"
            )
        waves = Waves(spectrum, places_of(settings, module, size, number), size)
        return Sum(base, oriented(waves, turned), settings.alpha("scaling", module))

    return {f"{module}.weight": change}


FOURIERFT = Kind(("fourierft_spectrum",), _changes)
"""FourierFT of linear layers."""
