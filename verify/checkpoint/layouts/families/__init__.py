"""One small table per architecture family."""

from ..layout import Family
from ..mixtures import with_stacked_experts
from .afmoe import AFMOE
from .albert import ALBERT
from .apertus import APERTUS
from .aria import ARIA
from .baichuan import BAICHUAN
from .bart import BART, MBART, TROCR
from .bert import BERT
from .bitnet import BITNET
from .bloom import BLOOM
from .chatglm import CHATGLM
from .clip import CLIP_TEXT, CLIP_VISION
from .cohere import COHERE, COHERE_MOE
from .dbrx import DBRX
from .deepseek import DEEPSEEK
from .diffllama import DIFFLLAMA
from .dino import DINOV2, DINOV2_GATED, DINOV3, DINOV3_GATED
from .distilbert import DISTILBERT
from .ernie4_5_moe import ERNIE4_5_MOE
from .esmc import ESMC
from .exaone import EXAONE
from .falcon import FALCON, FALCON_GROUPED, FALCON_RW
from .gemma import GEMMA, GEMMA2, GEMMA3N, GEMMA4, VAULTGEMMA
from .glm import GLM
from .glm4_moe import DOTS1, GLM4_MOE
from .gpt2 import GPT2, OPENAI_GPT
from .gpt_bigcode import GPT_BIGCODE
from .gpt_neo import GPT_NEO
from .gpt_neox import GPT_NEOX
from .gpt_oss import GPT_OSS
from .gptj import CODEGEN, GPTJ
from .granite_moe import GRANITE_HYBRID, GRANITE_MOE
from .hunyuan_moe import HUNYUAN_MOE
from .internlm2 import INTERNLM2
from .jamba import JAMBA
from .jetmoe import JETMOE
from .kimi_linear import KIMI_LINEAR
from .laguna import LAGUNA
from .lfm2 import LFM2, LFM2_MOE, LFM3
from .llama import LLAMA, MLLAMA
from .llama4 import LLAMA4
from .mamba import MAMBA, MAMBA2
from .mimo import MIMO
from .minimax_m3 import MINIMAX_M3
from .mixtral import MIXTRAL, PHIMOE
from .modernbert import MODERNBERT
from .mpnet import MPNET
from .mpt import MPT
from .nanochat import NANOCHAT
from .nemotron_h import NEMOTRON_H
from .nomic_bert import GTE, JINA3, NOMIC_BERT
from .olmo import FLEX_OLMO, HF_OLMO, OLMO, OLMO2, OLMO_HYBRID
from .opt import BIOGPT, OPT
from .pangu_pro_moe import PANGU_PRO_MOE
from .persimmon import PERSIMMON
from .phi import PHI
from .phi3 import PHI3
from .pixtral import PIXTRAL
from .pre_bert import PRE_BERT
from .qwen import QWEN
from .qwen2_moe import QWEN2_MOE
from .qwen3_moe import QWEN3_MOE
from .qwen3_next import QWEN3_5, QWEN3_NEXT
from .qwen_vision import QWEN2_5_VISION, QWEN_VISION
from .recurrent_gemma import RECURRENT_GEMMA
from .rwkv import RWKV
from .sarvam_moe import SARVAM_MOE
from .sound_encoder import SOUND_ENCODER
from .stablelm import STABLELM
from .starcoder2 import NEMOTRON, STARCODER2
from .t5 import LONGT5, LONGT5_GATED, SWITCH, T5, T5_GATED
from .timm import TIMM_GATED, TIMM_TOWER
from .torch_encoder import TORCH_ENCODER
from .transformer_lens import TRANSFORMER_LENS, TRANSFORMER_LENS_GATED
from .two_mlps import CONFORMER, FLUX, FLUX2, GRANITE_SPEECH, MMDIT, PARAKEET, QWEN_IMAGE
from .vit import VIT
from .wav2vec2 import WAV2VEC2
from .xlm import XLM
from .xlnet import XLNET
from .xlstm import XLSTM
from .zamba2 import ZAMBA2
from .zaya import ZAYA

_TABLES: tuple[Family, ...] = (
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
    DOTS1,
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
    COHERE,
    EXAONE,
    GPT_NEO,
    GRANITE_HYBRID,
    GRANITE_MOE,
    JAMBA,
    KIMI_LINEAR,
    MAMBA,
    MAMBA2,
    MODERNBERT,
    NEMOTRON_H,
    GTE,
    JINA3,
    NOMIC_BERT,
    PERSIMMON,
    PHI,
    QWEN3_5,
    QWEN3_NEXT,
    RECURRENT_GEMMA,
    RWKV,
    STABLELM,
    NEMOTRON,
    STARCODER2,
    XLSTM,
    GEMMA4,
    VAULTGEMMA,
    AFMOE,
    APERTUS,
    ARIA,
    BART,
    MBART,
    BITNET,
    DIFFLLAMA,
    DINOV2,
    DINOV2_GATED,
    DINOV3,
    DINOV3_GATED,
    ERNIE4_5_MOE,
    HUNYUAN_MOE,
    LAGUNA,
    MIMO,
    PRE_BERT,
    WAV2VEC2,
    MINIMAX_M3,
    NANOCHAT,
    COHERE_MOE,
    ESMC,
    JETMOE,
    PHIMOE,
    CODEGEN,
    BIOGPT,
    LFM2_MOE,
    LFM3,
    FLEX_OLMO,
    OLMO_HYBRID,
    SARVAM_MOE,
    MMDIT,
    QWEN_IMAGE,
    FLUX,
    FLUX2,
    CONFORMER,
    PARAKEET,
    DBRX,
    MLLAMA,
    SOUND_ENCODER,
    LONGT5,
    LONGT5_GATED,
    SWITCH,
    ZAMBA2,
    ZAYA,
    QWEN_VISION,
    QWEN2_5_VISION,
    GRANITE_SPEECH,
    PIXTRAL,
    TIMM_TOWER,
    TIMM_GATED,
    OPENAI_GPT,
    TROCR,
    XLM,
    XLNET,
    TRANSFORMER_LENS,
    TRANSFORMER_LENS_GATED,
)
FAMILIES = tuple(map(with_stacked_experts, _TABLES))

__all__ = ["FAMILIES", "Family"]
