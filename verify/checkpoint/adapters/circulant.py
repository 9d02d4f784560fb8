"""C3A: W plus blocks of which each row is the one before it, shifted by one.

Source: Chen et al. 2024, arXiv 2407.19342. Of ``c3a_kernel`` [out / b, in / b, b], entry [i, j] of the change is
kernel[i // b, j // b, (j - i) mod b] / in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formats.tensor import Indexer, Tensor
from .kind import Change, Kind
from .matrix import Rows, places
from .names import Names
from .settings import Settings, Tensors
from .sum import Sum


@dataclass(frozen=True)
class Circulant:
    """Blocks of shifted rows."""

    kernel: Tensor
    shape: tuple[int, ...]
    """Rows and columns."""

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        kernel = np.asarray(self.kernel.read(), np.float64)
        size = kernel.shape[2]
        i, j = (
            places(n)[slice(None) if which is None else which]
            for n, which in zip(self.shape, (rows, columns), strict=True)
        )
        return lambda which: kernel[i[which, None] // size, j // size, (j - i[which, None]) % size] / self.shape[1]

    def nbytes(self) -> int:
        """Of the kernel."""
        return self.kernel.nbytes()


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        kernel = parts["c3a_kernel"]
        blocks, size = kernel.shape[:2], kernel.shape[-1]
        if len(base.shape) != 2 or len(kernel.shape) != 3 or tuple(n * size for n in blocks) != base.shape:
            raise settings.unfit(module, {"c3a_kernel": kernel.shape}, base)
        return Sum(base, Circulant(kernel, base.shape))

    return {f"{module}.weight": change}


C3A = Kind(("c3a_kernel",), _changes)
"""C3A of linear layers."""
