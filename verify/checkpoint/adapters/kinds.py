"""The algorithms of adapters by the name that PEFT gives them: those that are merged, and why others are not."""

from __future__ import annotations

import re

from .adaptive import ADALORA
from .gains import IA3
from .hadamard import LOHA
from .kind import Kind
from .kronecker import LOKR
from .low_rank import LORA
from .reflections import HRA
from .rotation import OFT
from .shared_projections import VERA
from .tiles import MISS
from .tokens import TOKENS

KINDS: dict[str, tuple[Kind, ...]] = {
    "ADALORA": (ADALORA,),
    "HRA": (HRA,),
    "IA3": (IA3,),
    "LN_TUNING": (),  # norms, stored whole
    "LOHA": (LOHA,),
    "LOKR": (LOKR,),
    "LORA": (LORA, TOKENS),
    "MISS": (MISS,),
    "OFT": (OFT,),
    "TRAINABLE_TOKENS": (TOKENS,),
    "VERA": (VERA,),
}
"""Those that are merged: the changes that an adapter of this ``peft_type`` may hold."""

DRAWN = frozenset(("ADALORA", "LOHA", "LOKR", "LORA"))
"""Those of them that begin with numbers drawn by chance."""

_PROMPTS = "puts learned inputs before the model's own and leaves every weight of its base as it is"
_LAYERS = "adds computations that no weights of its base can hold"
UNMERGEABLE = {
    "ADAPTION_PROMPT": _LAYERS,
    "CARTRIDGE": _PROMPTS,
    "CPT": _PROMPTS,
    "MULTITASK_PROMPT_TUNING": _PROMPTS,
    "POLY": _LAYERS,
    "PREFIX_TUNING": _PROMPTS,
    "PROMPT_TUNING": _PROMPTS,
    "P_TUNING": _PROMPTS,
    "XLORA": "mixes several adapters anew for each input",
}
"""Why no tool can merge these."""
UNMERGEABLE_SETTINGS = {
    "alora_invocation_tokens": "changes the weights from a certain token of the input on (aLoRA)",
    "arrow_config": "mixes several adapters anew for each input (Arrow)",
}
"""Settings under which no tool can merge a LoRA."""

_NAMES = sorted({part for kinds in KINDS.values() for kind in kinds for part in kind.parts}, key=len, reverse=True)
PART = re.compile(rf"(?P<module>.+?)\.(?P<part>{'|'.join(map(re.escape, _NAMES))})(?:\.weight)?")
"""Name of a tensor that belongs to the change of a module."""
STORED = re.compile(
    r"(?:^|\.)(?:lora_(?:embedding_)?[abABE]|lora_(?:down|up)|lora_magnitude_vector|ia3_l|hada_[wt]\d|lokr_[wt]\d|b?oft_[rRsS]"
    r"|oft_embedding_R|vera_lambda_[bd]|(?:token_adapter\.)?trainable_tokens_delta|hra_u|miss_block|bone_block"
    r"|fourierft_spectrum|c3a_kernel|road_theta|delora_[AB]|gralora_[AB]|randlora_lambda|vblora_logits"
    r"|waveft_spectrum|shira_weight)(?:[._]|$)"
)
"""What PEFT adds to the name of a changed module."""
