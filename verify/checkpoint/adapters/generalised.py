"""GLoRA: W + W ∘ A + B, where A and B are low-rank matrices, or a number for each output, or one number.

Source: Chavan et al. 2023, arXiv 2306.07967, as PEFT has it: ``glora_A.Xd`` [out, r] and ``glora_A.Xu`` [r, in], or
``glora_A.X`` [out, 1] or [1], and B likewise. What else a module with a bias stores (C, D and E) changes the bias by
all of the weights, and is not merged here; ``zeros`` stand for what is not there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...base import UnsupportedError
from ..formats.tensor import Indexer, Tensor
from .hadamard import Hadamard
from .kind import Change, Kind
from .matrix import Added, Matrix, Numbers, Product, Rows, Stored
from .names import Names
from .settings import ELSEWHERE, Settings, Tensors
from .sum import Sum

_LETTERS = "ABCDE"
_PARTS = tuple(f"glora_{letter}.{part}" for letter in _LETTERS for part in ("Xd", "Xu", "X", "zeros"))


@dataclass(frozen=True)
class Repeated:
    """A matrix of one number for each row, or of one number."""

    numbers: Tensor
    shape: tuple[int, ...]

    def part(self, rows: Indexer = None, columns: Indexer = None) -> Rows:
        """Some rows and columns."""
        found = np.asarray(self.numbers.read(), np.float64).reshape(-1, 1)
        whole: Numbers = np.broadcast_to(found, self.shape)
        whole = whole if rows is None else whole[rows]
        whole = whole if columns is None else whole[:, columns]
        return lambda which: whole[which]

    def nbytes(self) -> int:
        """Bytes in the file."""
        return self.numbers.nbytes()


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    trained = [part for part in parts if part[6] in "CDE" and not part.endswith("zeros")]
    if trained:
        raise UnsupportedError(
            f"{settings.name} changes the bias of {module!r:.200} by its weights ({trained[0]}), which cannot be "
            f"merged here; {ELSEWHERE}."
        )

    def change(base: Tensor) -> Tensor:
        size = base.shape
        if len(size) != 2 or settings.turned(base):
            raise settings.unfit(module, {name: part.shape for name, part in parts.items()}, base)
        a, b = (_path(settings, module, parts, letter, base) for letter in "AB")
        factor = None if a is None else Hadamard(Stored(base), a)
        both = factor if b is None else b if factor is None else Added(factor, b)
        return base if both is None else Sum(base, both)

    return {f"{module}.weight": change}


def _path(settings: Settings, module: str, parts: Tensors, letter: str, base: Tensor) -> Matrix | None:
    """A or B; None where it is not there."""
    prefix = f"glora_{letter}."
    own = {name.removeprefix(prefix): tensor for name, tensor in parts.items() if name.startswith(prefix)}
    size, rank = base.shape, settings.rank(module)
    shapes = {name: tensor.shape for name, tensor in own.items()}
    if own.keys() <= {"zeros"}:
        return None
    if shapes == {"Xd": (size[0], rank), "Xu": (rank, size[1])}:
        return Product(Stored(own["Xd"]), Stored(own["Xu"]))
    if shapes in ({"X": (size[0], 1)}, {"X": (1,)}):
        return Repeated(own["X"], size)
    raise settings.unfit(module, {prefix + name: shape for name, shape in shapes.items()}, base, f" at rank {rank}")


GLORA = Kind(_PARTS, _changes)
"""GLoRA of linear layers without a bias of their own."""
