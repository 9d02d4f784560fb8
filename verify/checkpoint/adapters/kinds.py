"""The algorithms of adapters by the name that PEFT gives them: those that are merged, and why others are not."""

from __future__ import annotations

import re

from .adaptive import ADALORA
from .bounded import DELORA
from .butterfly import BOFT
from .circulant import C3A
from .fourier import FOURIERFT
from .gains import IA3
from .generalised import GLORA
from .granular import GRALORA
from .hadamard import LOHA
from .kind import Kind
from .kronecker import LOKR
from .low_rank import LORA
from .multiples import HIRA
from .offset import BEFT
from .one_vector import UNILORA, VECTOR
from .pairs import ROAD
from .random_bases import BASES, RANDLORA
from .reflections import HRA
from .rotation import OFT
from .shared_projections import MEANS, PROJECTIONS, PVERA, VERA
from .sparse import SHIRA, SUPERTUNING
from .tiles import MISS
from .tokens import TOKENS
from .vector_bank import BANK, VBLORA
from .wavelets import WAVEFT

KINDS: dict[str, tuple[Kind, ...]] = {
    "ADALORA": (ADALORA,),
    "BEFT": (BEFT,),
    "BOFT": (BOFT,),
    "C3A": (C3A,),
    "DELORA": (DELORA,),
    "FOURIERFT": (FOURIERFT,),
    "GLORA": (GLORA,),
    "GRALORA": (GRALORA,),
    "HIRA": (HIRA,),
    "HRA": (HRA,),
    "IA3": (IA3,),
    "LN_TUNING": (),  # norms, stored whole
    "LOHA": (LOHA,),
    "LOKR": (LOKR,),
    "LORA": (LORA, TOKENS),
    "MISS": (MISS,),
    "OFT": (OFT,),
    "PVERA": (PVERA,),
    "RANDLORA": (RANDLORA,),
    "ROAD": (ROAD,),
    "SHIRA": (SHIRA,),
    "SUPERTUNING": (SUPERTUNING,),
    "TRAINABLE_TOKENS": (TOKENS,),
    "UNILORA": (UNILORA,),
    "VBLORA": (VBLORA,),
    "VERA": (VERA,),
    "WAVEFT": (WAVEFT,),
}
"""Those that are merged: the changes that an adapter of this ``peft_type`` may hold."""

DRAWN = frozenset(("ADALORA", "LOHA", "LOKR", "LORA"))
"""Those of them that begin with numbers drawn by chance."""
SHARED = (*PROJECTIONS, *MEANS, *BASES, BANK, VECTOR)
"""Names of tensors that the modules of an adapter share."""

_PROMPTS = "puts learned inputs before the model's own and leaves every weight of its base as it is"
_LAYERS = "adds computations that no weights of its base can hold"
UNMERGEABLE = {
    "ADAPTION_PROMPT": _LAYERS,
    "CARTRIDGE": _PROMPTS,
    "CPT": _PROMPTS,
    "LILY": _LAYERS,
    "MULTITASK_PROMPT_TUNING": _PROMPTS,
    "POLY": _LAYERS,
    "PREFIX_TUNING": _PROMPTS,
    "PROMPT_TUNING": _PROMPTS,
    "P_TUNING": _PROMPTS,
    "SHADOW": _LAYERS,
    "XLORA": "mixes several adapters anew for each input",
}
"""Why no tool can merge these."""
UNMERGEABLE_SETTINGS = {
    "alora_invocation_tokens": "changes the weights from a certain token of the input on (aLoRA)",
    "arrow_config": "mixes several adapters anew for each input (Arrow)",
}
"""Settings under which no tool can merge a LoRA."""

ONLY_WITH = {"UNILORA": "save_indices"}
"""Settings without which what an adapter of this type was computed from is not stored."""

_NAMES = sorted({part for kinds in KINDS.values() for kind in kinds for part in kind.parts}, key=len, reverse=True)
PART = re.compile(rf"(?P<module>.+?)\.(?P<part>{'|'.join(map(re.escape, _NAMES))})(?:\.weight)?")
"""Name of a tensor that belongs to the change of a module."""
