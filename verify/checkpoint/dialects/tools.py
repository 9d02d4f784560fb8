"""All dialects; the first that applies is taken."""

from .dialect import Dialect
from .litgpt import LITGPT, LITGPT_GEMMA, LITGPT_MIXTRAL, LITGPT_NEOX, LITGPT_OLMO2
from .meta import META, TORCHTUNE, TORCHTUNE_UNPAIRED

DIALECTS: tuple[Dialect, ...] = (
    LITGPT,
    LITGPT_GEMMA,
    LITGPT_OLMO2,
    LITGPT_MIXTRAL,
    LITGPT_NEOX,
    META,
    TORCHTUNE,
    TORCHTUNE_UNPAIRED,
)
