"""Quantisation conventions, one file each: the shapes of the stored parts, and the formula."""

from .awq import Awq
from .block4 import STATE, Block4
from .gptq import Gptq
from .llm_int8 import LlmInt8
from .matrix import Parts, Quantised, matrix_shape
from .packed import Packed
from .scaled import SCALES, Scaled

__all__ = [
    "SCALES",
    "STATE",
    "Awq",
    "Block4",
    "Gptq",
    "LlmInt8",
    "Packed",
    "Parts",
    "Quantised",
    "Scaled",
    "matrix_shape",
]
