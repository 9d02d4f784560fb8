"""TransformerLens before 4.0: names of its own, and ``config.json`` as ``HookedTransformerConfig.to_dict`` gives it.

Sources: ``transformer_lens/HookedTransformerConfig.py``, ``transformer_lens/components``.
"""

from __future__ import annotations

from typing import Any

from .dialect import Dialect, Settings, renamed

_COUNTS = {
    "hidden_size": "d_model",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "num_key_value_heads": "n_key_value_heads",
    "head_dim": "d_head",
    "intermediate_size": "d_mlp",
    "rotary_dim": "rotary_dim",
}
_NORMS = {"LN": "layer", "LNPre": "layer", "RMS": "rms", "RMSPre": "rms"}
_OFF = ("attn_only", "num_experts", "use_normalization_before_and_after")
"""Settings of models of which nothing was held against forward passes."""


def _said(settings: Settings) -> dict[str, Any] | None:
    norms, positions = (settings.get(key) for key in ("normalization_type", "positional_embedding_type"))
    counts = renamed(settings, _COUNTS)
    usual = norms in _NORMS and positions in ("standard", "shortformer", "alibi", "rotary")
    if not usual or counts is None or "num_attention_heads" not in counts or "head_dim" not in counts:
        return None
    if any(settings.get(key) for key in _OFF):
        return None
    if positions == "rotary":
        positions = "interleaved" if settings.get("rotary_adjacent_pairs") is True else "half"
    return {
        "model_type": "transformer_lens",
        "norms": _NORMS[str(norms)],
        "positions": positions,
        "processed": str(norms).endswith("Pre"),
        **counts,
    }


_OWN = ("embed.W_E", *(f"blocks.{{i}}.{name}" for name in ("attn.W_Q", "attn.W_O", "mlp.W_in", "mlp.W_out")))

TRANSFORMER_LENS = Dialect(
    name="transformer_lens",
    model_types=("transformer_lens",),
    names={name: name for name in _OWN},
    telling=_OWN,
    settings=("config.json",),
    said=_said,
)
