"""VeRA: W + (b ∘ B) (d ∘ A), with random B and A that all modules share and learned vectors b and d.

Source: Kopiczko, Blankevoort and Asano 2023, arXiv 2310.11454. A module takes the first columns of ``vera_A``
[r, most inputs] and the first rows of ``vera_B`` [most outputs, r]. Where they are not stored they were drawn by
torch from a seed, and the adapter is refused: torch rounds such draws as the processor does, so that no other
software gives the same bits.

PVeRA (PEFT's probabilistic VeRA) stores d and A for a mean and a spread, [2 r] and [2 r, most inputs]; PEFT merges
the means, which are the first half.
"""

from __future__ import annotations

from ...base import UnsupportedError
from ..formats.tensor import Tensor
from .kind import Change, Kind
from .matrix import Excerpt, Product, Scaled, Stored, oriented
from .names import Names
from .settings import ELSEWHERE, Settings, Tensors
from .sum import Sum

_PARTS = ("vera_lambda_b", "vera_lambda_d")
PROJECTIONS = ("vera_A", "vera_B")
"""Names of the shared matrices."""
_PARTS_OF_MEANS = ("pvera_lambda_b", "pvera_lambda_d")
MEANS = ("pvera_A", "pvera_B")
"""Those of PVeRA."""


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        if sorted(parts) != sorted(_PARTS):
            raise settings.parts_missing(module, parts, " and ".join(_PARTS))
        a, b = _projections(settings, PROJECTIONS)
        turned = settings.turned(base)
        size, rank = base.shape[::-1] if turned else base.shape, settings.rank(module)
        shapes = {name: part.shape for name, part in (parts | settings.shared).items()}
        vectors = (shapes["vera_lambda_b"], shapes["vera_lambda_d"]) == (size[:1], (rank,))
        matrices = len(size) == len(a.shape) == len(b.shape) == 2 and (a.shape[0], b.shape[1]) == (rank, rank)
        if not (vectors and matrices and a.shape[1] >= size[1] and b.shape[0] >= size[0]):
            raise settings.unfit(module, shapes, base, f" at rank {rank}")
        out, into, whole = slice(0, size[0]), slice(0, size[1]), slice(None)
        if turned:
            left = Scaled(Excerpt(Stored(a, True), into, whole), parts["vera_lambda_d"], 1)
            right = Scaled(Excerpt(Stored(b, True), whole, out), parts["vera_lambda_b"], 1)
        else:
            left = Scaled(Excerpt(Stored(b), out, whole), parts["vera_lambda_b"], 0)
            right = Scaled(Excerpt(Stored(a), whole, into), parts["vera_lambda_d"], 0)
        return Sum(base, Product(left, right))

    return {f"{module}.weight": change}


def _means(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        if sorted(parts) != sorted(_PARTS_OF_MEANS):
            raise settings.parts_missing(module, parts, " and ".join(_PARTS_OF_MEANS))
        a, b = _projections(settings, MEANS)
        turned = settings.turned(base)
        size, rank = base.shape[::-1] if turned else base.shape, settings.rank(module)
        by_row, by_rank = (parts[name] for name in _PARTS_OF_MEANS)
        shapes = {name: part.shape for name, part in (parts | settings.shared).items()}
        vectors = (by_row.shape, by_rank.shape) == (size[:1], (2 * rank,))
        matrices = len(size) == len(a.shape) == len(b.shape) == 2 and (a.shape[0], b.shape[1]) == (2 * rank, rank)
        if not (vectors and matrices and a.shape[1] >= size[1] and b.shape[0] >= size[0]):
            raise settings.unfit(module, shapes, base, f" at rank {rank}")
        left = Scaled(Excerpt(Stored(b), slice(0, size[0]), slice(None)), by_row, 0)
        right = Excerpt(Scaled(Stored(a), by_rank, 0), slice(0, rank), slice(0, size[1]))
        return Sum(base, oriented(Product(left, right), turned))

    return {f"{module}.weight": change}


def _projections(settings: Settings, names: tuple[str, str]) -> tuple[Tensor, Tensor]:
    a, b = (settings.shared.get(name) for name in names)
    if a is None or b is None:
        raise UnsupportedError(
            f"{settings.name} does not hold its random projections {' and '.join(names)}, which torch draws from a "
            f"seed; save it with save_projection=True, or {ELSEWHERE}."
        )
    return a, b


VERA = Kind(_PARTS, _changes)
"""VeRA with its projections stored."""
PVERA = Kind((*_PARTS_OF_MEANS, *MEANS), _means)
"""PVeRA with its projections stored."""
