"""Tell an adapter from a whole model, by the names of its tensors or of its file."""

from __future__ import annotations

import re

from ..source import Source
from .settings import Tensors

_WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
_STORED = re.compile(
    r"(?:^|\.)(?:lora_(?:embedding_)?[abABE]|lora_(?:down|up)|lora_magnitude_vector|ia3_l|hada_[wt]\d|lokr_[wt]\d|b?oft_[rRsS]"
    r"|oft_embedding_R|vera_lambda_[bd]|(?:token_adapter\.)?trainable_tokens_delta|hra_u|miss_block|bone_block"
    r"|fourierft_spectrum|c3a_kernel|road_theta|delora_[AB]|gralora_[AB]|randlora_lambda|vblora_logits"
    r"|waveft_spectrum|shira_weight|hira_(?:embedding_)?[AB]|beft_bias|supertuning_values|pvera_lambda_[bd])(?:[._]|$)"
)
"""What PEFT adds to the name of a changed module."""


def is_adapter(source: Source, found: Tensors) -> bool:
    """Whether tensors are small changes of absent matrices, or the only file has PEFT's name for adapters.

    Prefixes are not used; a model that holds both its matrices and changes of them counts as whole.
    """
    changed = {name[: match.start()] for name in found if (match := _STORED.search(name))}
    here = ("weight", "qweight", "base_layer.weight", "base_layer.qweight")
    lacking = any(not any(f"{module}.{part}" in found for part in here) for module in changed)
    return lacking or any([file.name for file in source.weights] == [name] for name in _WEIGHTS)
