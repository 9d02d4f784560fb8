"""One small table per architecture family."""

from ..layout import Family
from .bert import BERT
from .gpt2 import GPT2
from .llama import LLAMA
from .pangu_pro_moe import PANGU_PRO_MOE
from .qwen2_moe import QWEN2_MOE

FAMILIES: tuple[Family, ...] = (LLAMA, QWEN2_MOE, PANGU_PRO_MOE, GPT2, BERT)

__all__ = ["FAMILIES", "Family"]
