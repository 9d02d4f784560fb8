"""One small table per architecture family."""

from ..layout import Family
from .baichuan import BAICHUAN
from .bert import BERT
from .bloom import BLOOM
from .chatglm import CHATGLM
from .distilbert import DISTILBERT
from .falcon import FALCON
from .gemma import GEMMA, GEMMA2
from .glm import GLM
from .gpt2 import GPT2
from .gpt_neox import GPT_NEOX
from .gptj import GPTJ
from .internlm2 import INTERNLM2
from .llama import LLAMA
from .mixtral import MIXTRAL
from .mpt import MPT
from .olmo import OLMO, OLMO2
from .opt import OPT
from .pangu_pro_moe import PANGU_PRO_MOE
from .phi3 import PHI3
from .qwen import QWEN
from .qwen2_moe import QWEN2_MOE
from .qwen3_moe import QWEN3_MOE

FAMILIES: tuple[Family, ...] = (
    LLAMA,
    QWEN2_MOE,
    PANGU_PRO_MOE,
    GPT2,
    BERT,
    MIXTRAL,
    QWEN3_MOE,
    PHI3,
    GPT_NEOX,
    GEMMA,
    GEMMA2,
    OLMO,
    OLMO2,
    INTERNLM2,
    FALCON,
    OPT,
    GPTJ,
    MPT,
    BAICHUAN,
    QWEN,
    CHATGLM,
    GLM,
    DISTILBERT,
    BLOOM,
)

__all__ = ["FAMILIES", "Family"]
