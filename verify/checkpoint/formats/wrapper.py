"""What a file says of a tensor of a class of its own, whose numbers are made of several stored ones (torchao)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PARTS = (
    *("qdata", "scale_and_zero", "act_per_tensor_scale", "act_quant_scale", "act_quant_zero_point"),
    *("per_tensor_scale", "act_pre_scale", "scale", "zero_point"),
)
"""Names of stored tensors; each is stored as that of the whole, ``module.weight``, with these in it:
``module._weight_qdata``."""
_OF_NUMBERS = ("shape", "elem_dtype", "is_swizzled_scales")
_OTHERS = (  # of the way of quantising, of shapes that those of the parts tell too, and of activations
    *("block_size", "dtype", "orig_dtype", "target_dtype", "kernel_preference", "mm_config", "use_triton_kernel"),
    *("activation_quantization", "activation_dtype", "act_quant_kwargs", "reduce_range"),
)


@dataclass(frozen=True)
class Wrapper:
    """A tensor of a class of its own."""

    kind: str
    """Name of the class, without its module."""
    shape: tuple[int, ...]
    """Of the whole, or, where that is not stated, of the stored codes."""
    elements: str
    """Type of its numbers, if it is stated."""
    swizzled: bool
    """Whether scales are in the order of tensor cores."""
    unknown: str
    """Name of an attribute that is set and not known."""

    @classmethod
    def of(cls, kind: str, attributes: Mapping[str, Any], shape: tuple[int, ...]) -> Wrapper:
        """Read the attributes, of which those that are nothing (None, False) say nothing.

        Parameters
        ----------
        kind : name of the class.
        attributes : all but the stored tensors; types by their name.
        shape : shape where the attributes state none.
        """
        known = (*_OF_NUMBERS, *_OTHERS)
        strange = [name for name, value in attributes.items() if name not in known and value not in (None, False)]
        elements = attributes.get("elem_dtype")
        swizzled = attributes.get("is_swizzled_scales")
        if not isinstance(elements, str | None) or not isinstance(swizzled, bool | None):
            strange.append("elem_dtype" if isinstance(swizzled, bool | None) else "is_swizzled_scales")
        stated = attributes.get("shape")
        counts = stated if isinstance(stated, list | tuple) and all(type(n) is int for n in stated) else ()
        return cls(kind, tuple(counts) or shape, str(elements or ""), swizzled is True, next(iter(strange), ""))


def part_name(whole: str, part: str) -> str:
    """Name of a stored tensor.

    Examples
    --------
    >>> part_name("layers.0.up.weight", "qdata")
    'layers.0.up._weight_qdata'
    """
    module, dot, last = whole.rpartition(".")
    return f"{module}{dot}_{last}_{part}"
