"""WaveFT: W plus the inverse wavelet transform of a few learned numbers, or these numbers themselves.

Source: Bilican et al. 2025, arXiv 2505.12532. ``waveft_spectrum`` [n] lies at places of an [out, in] matrix that
``random_loc_seed`` gives (``seeded``). With ``use_idwt`` the matrix is padded to even sizes and holds the four parts
of Haar's transform (``db1``): a, h over v, d, so that entry [2 i + p, 2 j + q] of the change is
(a + (-1)ᵖ h + (-1)^q v + (-1)^(p + q) d)[i, j] / 2. All is scaled by ``scaling``. Filters longer than Haar's, which
come as tables, are not held here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base import UnsupportedError
from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Matrix, Numbers, Rows, oriented, places
from .names import Names
from .seeded import places_of
from .settings import ELSEWHERE, Settings, Tensors
from .sparse import Sparse
from .sum import Sum


@dataclass(frozen=True)
class Haar:
    """The inverse of Haar's transform of a matrix of even sizes, of which some last row and column may be cut."""

    coefficients: Matrix
    shape: tuple[int, ...]
    """Rows and columns."""

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        chosen = zip(self.shape, self.coefficients.shape, (rows, columns), strict=True)
        (i, p, down), (j, q, right) = (
            (*np.divmod(places(size)[slice(None) if which is None else which], 2), whole // 2)
            for size, whole, which in chosen
        )
        (i, i_at), (j, j_at) = (np.unique(one, return_inverse=True) for one in (i, j))
        a, h, v, d = (
            self.coefficients.part(i + below * down, j + beside * right)(slice(None))
            for below in (0, 1)
            for beside in (0, 1)
        )
        up, left = 1 - 2 * p[:, None], 1 - 2 * q

        def computed(which: slice) -> Numbers:
            at, sign = i_at[which], up[which]
            total = a[at][:, j_at] + sign * h[at][:, j_at] + left * v[at][:, j_at] + sign * left * d[at][:, j_at]
            half: Numbers = total / 2
            return half

        return computed

    def nbytes(self) -> int:
        """Of the coefficients."""
        return self.coefficients.nbytes()


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    waves = settings.flag("use_idwt")
    if waves and settings.config.get("wavelet_family") != "db1":
        raise UnsupportedError(
            f"{settings.name} is WaveFT by the wavelets {settings.config.get('wavelet_family')!r:.40}, and only db1, "
            f"the default, is merged here; {ELSEWHERE}."
        )

    def change(base: Tensor) -> Sum:
        spectrum, turned = parts["waveft_spectrum"], settings.turned(base)
        size = base.shape[::-1] if turned else base.shape
        number = spectrum.shape[0] if len(spectrum.shape) == 1 else 0
        if len(size) != 2 or not 0 < number <= size[0] * size[1]:
            raise settings.unfit(module, {"waveft_spectrum": spectrum.shape}, base)
        at = places_of(settings, module, size, number)
        even = tuple(n + n % 2 for n in size)
        matrix: Matrix = Haar(Sparse(spectrum, at, even), size) if waves else Sparse(spectrum, at, size)
        return Sum(base, oriented(matrix, turned), settings.alpha("scaling", module))

    return {f"{module}.weight": change}


WAVEFT = Kind(("waveft_spectrum",), _changes)
"""WaveFT of linear layers, by Haar's wavelets or none."""
