"""HiRA: W + W ∘ (B A), each entry times one more than that of a low-rank matrix.

Source: Huang et al. 2025, HiRA, ICLR. ``hira_A`` [r, in] and ``hira_B`` [out, r]; of an embedding, A is [r, tokens]
and B [width, r].
"""

from __future__ import annotations

from ..formats.tensor import Tensor
from .hadamard import Hadamard
from .kind import Change, Kind
from .matrix import Product, Stored
from .names import Names
from .settings import Settings, Tensors
from .sum import Sum

_PARTS = ("hira_A", "hira_B", "hira_embedding_A", "hira_embedding_B")


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        names = _PARTS[2:] if _PARTS[2] in parts else _PARTS[:2]
        if sorted(parts) != sorted(names):
            raise settings.parts_missing(module, parts, " and ".join(names))
        a, b = (parts[name] for name in names)
        turned = names == _PARTS[2:] or settings.turned(base)
        size, rank = base.shape[::-1] if turned else base.shape, settings.rank(module)
        if len(size) != 2 or rank > max(size) or (a.shape, b.shape) != ((rank, size[1]), (size[0], rank)):
            raise settings.unfit(module, {name: parts[name].shape for name in names}, base, f" at rank {rank}")
        factor = Product(Stored(a, True), Stored(b, True)) if turned else Product(Stored(b), Stored(a))
        return Sum(base, Hadamard(Stored(base), factor))

    return {f"{module}.weight": change}


HIRA = Kind(_PARTS, _changes)
"""HiRA of linear layers and embeddings."""
