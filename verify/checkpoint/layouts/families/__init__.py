"""One small table per architecture family."""

from ..layout import Family
from .albert import ALBERT
from .baichuan import BAICHUAN
from .bert import BERT
from .bloom import BLOOM
from .chatglm import CHATGLM
from .clip import CLIP_TEXT, CLIP_VISION
from .deepseek import DEEPSEEK
from .distilbert import DISTILBERT
from .falcon import FALCON, FALCON_GROUPED, FALCON_RW
from .gemma import GEMMA, GEMMA2, GEMMA3N
from .glm import GLM
from .glm4_moe import GLM4_MOE
from .gpt2 import GPT2
from .gpt_bigcode import GPT_BIGCODE
from .gpt_neox import GPT_NEOX
from .gpt_oss import GPT_OSS
from .gptj import GPTJ
from .internlm2 import INTERNLM2
from .lfm2 import LFM2
from .llama import LLAMA
from .llama4 import LLAMA4
from .mixtral import MIXTRAL
from .mpnet import MPNET
from .mpt import MPT
from .olmo import HF_OLMO, OLMO, OLMO2
from .opt import OPT
from .pangu_pro_moe import PANGU_PRO_MOE
from .phi3 import PHI3
from .qwen import QWEN
from .qwen2_moe import QWEN2_MOE
from .qwen3_moe import QWEN3_MOE
from .t5 import T5, T5_GATED
from .torch_encoder import TORCH_ENCODER
from .vit import VIT

FAMILIES: tuple[Family, ...] = (
    LLAMA,
    QWEN2_MOE,
    PANGU_PRO_MOE,
    GPT2,
    GPT_BIGCODE,
    GPT_OSS,
    BERT,
    MIXTRAL,
    QWEN3_MOE,
    PHI3,
    GPT_NEOX,
    GEMMA,
    GEMMA2,
    GEMMA3N,
    OLMO,
    OLMO2,
    HF_OLMO,
    INTERNLM2,
    FALCON,
    OPT,
    GPTJ,
    MPT,
    BAICHUAN,
    QWEN,
    CHATGLM,
    GLM,
    GLM4_MOE,
    LFM2,
    LLAMA4,
    DISTILBERT,
    BLOOM,
    DEEPSEEK,
    FALCON_GROUPED,
    FALCON_RW,
    MPNET,
    ALBERT,
    T5,
    T5_GATED,
    CLIP_TEXT,
    CLIP_VISION,
    VIT,
    TORCH_ENCODER,
)

__all__ = ["FAMILIES", "Family"]
