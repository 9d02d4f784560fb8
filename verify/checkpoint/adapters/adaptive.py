"""AdaLoRA: W + s B E A, with a diagonal E of which training removes entries.

Source: Zhang et al. 2023, arXiv 2303.10512. ``lora_A`` [k, in], ``lora_B`` [out, k] and ``lora_E`` [k, 1] hold what
is left of the rank; s = alpha / (``init_r`` + 10⁻⁵), as PEFT computes it, whatever is left.
"""

from __future__ import annotations

from ..formats.tensor import Tensor
from .kind import Change, Kind
from .matrix import Product, Scaled, Stored
from .names import Names
from .settings import Settings, Tensors
from .sum import Sum

_PARTS = ("lora_A", "lora_B", "lora_E")
_ADDED = 1e-5  # to the rank


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    def change(base: Tensor) -> Sum:
        if sorted(parts) != sorted(_PARTS):
            raise settings.parts_missing(module, parts, ", ".join(_PARTS))
        a, b, e = (parts[name] for name in _PARTS)
        turned = settings.turned(base)
        size, left = base.shape[::-1] if turned else base.shape, e.shape[0] if e.shape else 0
        rank, alpha = settings.count("init_r", module), settings.alpha("lora_alpha", module)
        fits = (a.shape, b.shape, e.shape) == ((left, *size[1:]), (*size[:1], left), (left, 1))
        if len(size) != 2 or not fits or left > rank:
            raise settings.unfit(module, {name: part.shape for name, part in parts.items()}, base)
        if turned:
            product = Product(Scaled(Stored(a, True), e, 1), Stored(b, True))
        else:
            product = Product(Stored(b), Scaled(Stored(a), e, 0))
        return Sum(base, product, (alpha if alpha > 0 else rank) / (rank + _ADDED))

    return {f"{module}.weight": change}


ADALORA = Kind(_PARTS, _changes)
"""AdaLoRA."""
