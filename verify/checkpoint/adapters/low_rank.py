"""LoRA: W + s B A, with ``lora_A`` [r, in] and ``lora_B`` [out, r].

s = alpha / r (Hu et al. 2021, arXiv 2106.09685) or alpha / sqrt(r) (rsLoRA, Kalajdzievski 2023, arXiv 2312.03732).
With DoRA, each output's weights are then scaled to a learned length (Liu et al. 2024, arXiv 2402.09353). A bias of
``lora_B``, times s, is added to that of the module. Of an embedding, A is [r, tokens] and B [width, r].
"""

from __future__ import annotations

from math import sqrt

from ...base import DamagedError
from ..formats.tensor import Tensor
from .kind import Change, Kind
from .matrix import Product, Stored
from .names import Names
from .offset import Offset
from .settings import ELSEWHERE, Settings, Tensors
from .sum import Sum

_BIAS = "lora_B.bias"


def scale(settings: Settings, module: str) -> float:
    """Factor of the product of B and A."""
    rank = settings.rank(module)
    return settings.alpha("lora_alpha", module) / (sqrt(rank) if settings.flag("use_rslora") else rank)


def _changes(settings: Settings, module: str, parts: Tensors, _: Names) -> dict[str, Change]:
    bias = parts.get(_BIAS)
    rest = {name: part for name, part in parts.items() if name != _BIAS}
    changes: dict[str, Change] = {f"{module}.weight": lambda base: _low_rank(settings, module, rest, base)}
    if bias is not None:
        changes[f"{module}.bias"] = lambda base: Offset.of(settings, module, base, bias, scale(settings, module))
    return changes


def _low_rank(settings: Settings, module: str, parts: Tensors, base: Tensor) -> Sum:
    embedding, dora = "lora_embedding_A" in parts, settings.flag("use_dora")
    a, b = (parts.get(f"lora_{'embedding_' if embedding else ''}{which}") for which in "AB")
    lengths = parts.get("lora_magnitude_vector")
    if a is None or b is None or len(parts) != 2 + (lengths is not None):
        raise settings.parts_missing(module, parts, "one A and one B")
    if (lengths is not None) is not dora or (embedding and dora):
        raise DamagedError(
            f"{settings.name} gives use_dora as {dora}, and of {module!r:.200} {', '.join(sorted(parts))}; "
            f"expected lora_magnitude_vector with DoRA only, and no DoRA of embeddings; {ELSEWHERE}."
        )
    rank = settings.rank(module)
    turned = embedding or settings.turned(base)  # the stored matrix is [in, out]
    size = base.shape[::-1] if turned else base.shape
    expected = {"A": (rank, *size[1:]), "B": (*size[:1], rank)}
    shapes = {"A": a.shape, "B": b.shape} | ({} if lengths is None else {"magnitude": lengths.shape})
    expected |= {} if lengths is None else {"magnitude": size[:1]}
    if len(size) != 2 or rank > max(size, default=0) or shapes != expected:
        raise settings.unfit(module, shapes, base, f" at rank {rank}")
    change = Product(Stored(a, True), Stored(b, True)) if turned else Product(Stored(b), Stored(a))
    return Sum(base, change, scale(settings, module), lengths, 1 if turned else 0)


LORA = Kind(
    ("lora_A", "lora_B", _BIAS, "lora_embedding_A", "lora_embedding_B", "lora_magnitude_vector"),
    _changes,
    (
        "alora_invocation_tokens",
        "arrow_config",
        "kasa_config",
        "layer_replication",
        "megatron_config",
        "monteclora_config",
        "use_bdlora",
        "use_qalora",
        "velora_config",
    ),
)
"""LoRA, rsLoRA and DoRA."""
