"""OLMo's own checkpoints: names as of ``hf_olmo``, and settings under ``model`` in ``config.yaml``.

Sources: ``olmo/config.py``, ``olmo/model.py`` of allenai/OLMo, whose class for transformers takes the same settings.
"""

from __future__ import annotations

from typing import Any

from .dialect import Dialect, Settings, modules

_SECTION = "model."
_OUTSIDE = ("wte", "wpe", "ff_out", "ln_f", "emb_norm")
_BLOCK = ("att_proj", "attn_out", "ff_proj", "ff_out", "attn_norm", "ff_norm", "q_norm", "k_norm")


def _said(settings: Settings) -> dict[str, Any] | None:
    said = {key.removeprefix(_SECTION): value for key, value in settings.items() if key.startswith(_SECTION)}
    if said.get("block_type") != "sequential" or type(said.get("n_heads")) is not int:
        return None
    return {**said, "model_type": "hf_olmo"}


OLMO = Dialect(
    name="olmo",
    model_types=(),
    names=modules(
        {
            f"transformer.{name}": f"transformer.{name}"
            for name in (*_OUTSIDE, *(f"blocks.{{i}}.{module}" for module in _BLOCK))
        }
    ),
    telling=("transformer.blocks.{i}.att_proj.weight", "transformer.blocks.{i}.ff_proj.weight"),
    settings=("config.yaml",),
    said=_said,
)
