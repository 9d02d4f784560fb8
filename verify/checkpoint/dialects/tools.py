"""All dialects; the first that applies is taken."""

from .dialect import Dialect
from .litgpt import LITGPT, LITGPT_GEMMA, LITGPT_MIXTRAL, LITGPT_NEOX, LITGPT_OLMO2
from .mamba_ssm import MAMBA_SSM
from .megatron import MEGATRON, MEGATRON_LEGACY
from .meta import META, TORCHTUNE, TORCHTUNE_UNPAIRED
from .nanogpt import NANOGPT
from .olmo import OLMO
from .olmo_core import OLMO_CORE, OLMO_CORE_AFTER
from .open_clip import OPEN_CLIP
from .timm import TIMM_DINOV2, TIMM_DINOV2_GATED, TIMM_TOWER, TIMM_VIT
from .transformer_lens import TRANSFORMER_LENS

DIALECTS: tuple[Dialect, ...] = (
    LITGPT,
    LITGPT_GEMMA,
    LITGPT_OLMO2,
    LITGPT_MIXTRAL,
    LITGPT_NEOX,
    META,
    TORCHTUNE,
    TORCHTUNE_UNPAIRED,
    MEGATRON,
    MEGATRON_LEGACY,
    NANOGPT,
    OLMO,
    OLMO_CORE,
    OLMO_CORE_AFTER,
    OPEN_CLIP,
    MAMBA_SSM,
    TIMM_VIT,
    TIMM_DINOV2,
    TIMM_DINOV2_GATED,
    TIMM_TOWER,
    TRANSFORMER_LENS,
)
