"""Quantisation conventions, one file each: the shapes of the stored parts, and the formula."""

from ....base.lazy import lazily

with lazily(__name__):
    from .affine import Affine
    from .aqlm import Aqlm
    from .awq import Awq
    from .awq_gemv import AwqGemv
    from .bitnet import BitNet
    from .block4 import Block4
    from .float4 import Float4
    from .gptq import Gptq
    from .hqq import Hqq
    from .int4_pairs import Int4Pairs
    from .llm_int8 import LlmInt8
    from .marlin import Marlin
    from .matrix import Parts, Quantised, matrix_shape
    from .optimum_quanto import quanto
    from .packed import Packed
    from .prescaled import Prescaled
    from .scaled import Scaled
    from .stack import Maker, Stack
    from .torch_ao import torchao
    from .vptq import Vptq

__all__ = [
    "Affine",
    "Aqlm",
    "Awq",
    "AwqGemv",
    "BitNet",
    "Block4",
    "Float4",
    "Gptq",
    "Hqq",
    "Int4Pairs",
    "LlmInt8",
    "Maker",
    "Marlin",
    "Packed",
    "Parts",
    "Prescaled",
    "Quantised",
    "Scaled",
    "Stack",
    "Vptq",
    "matrix_shape",
    "quanto",
    "torchao",
]
