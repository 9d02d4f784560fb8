"""Quantisation conventions, one file each: the shapes of the stored parts, and the formula."""

from .affine import Affine
from .awq import Awq
from .block4 import STATE, Block4
from .float4 import Float4
from .gptq import Gptq
from .llm_int8 import LlmInt8
from .matrix import Parts, Quantised, matrix_shape
from .packed import Packed
from .scaled import SCALES, Scaled
from .stack import Maker, Stack
from .torchao import torchao

__all__ = [
    "SCALES",
    "STATE",
    "Affine",
    "Awq",
    "Block4",
    "Float4",
    "Gptq",
    "LlmInt8",
    "Maker",
    "Packed",
    "Parts",
    "Quantised",
    "Scaled",
    "Stack",
    "matrix_shape",
    "torchao",
]
