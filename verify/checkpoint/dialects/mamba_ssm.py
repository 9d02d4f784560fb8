"""mamba_ssm: Mamba 1 and 2 as their authors save them; on the Hub the embedding has another name.

Only what was held against forward passes under the names of the Hub is covered: no attention, no MLPs, RMS norms, and
no channels beside the state space (``d_ssm``). Sources: ``mamba_ssm/models``.
"""

from __future__ import annotations

from typing import Any

from .dialect import Dialect, Settings, renamed

_AT = "backbone.layers.{i}."
_EMBED = "backbone.embeddings.weight"
_SAME = (
    *("backbone.norm_f.weight", "lm_head.weight", f"{_AT}norm.weight"),
    *(f"{_AT}mixer.{name}" for name in ("A_log", "D", "dt_bias", "norm.weight", "in_proj.weight", "out_proj.weight")),
)
_COUNTS = {"hidden_size": "d_model", "num_hidden_layers": "n_layer"}
_TYPES = {"Mamba1": "mamba", "Mamba2": "mamba2"}
_OFF = ("attn_layer_idx", "d_intermediate")
"""Settings of models with attention or MLPs."""
_WITHOUT_EFFECT = {
    *("layer", "d_state", "d_conv", "expand", "headdim", "ngroups", "chunk_size", "rmsnorm", "norm_before_gate"),
    *("conv_bias", "bias", "dt_rank", "dt_min", "dt_max", "dt_init_floor", "A_init_range", "use_mem_eff_path"),
}


def _said(settings: Settings) -> dict[str, Any] | None:
    mixer, counts = settings.get("ssm_cfg"), renamed(settings, _COUNTS)
    if counts is None or counts.keys() != _COUNTS.keys() or not isinstance(mixer, dict):
        return None
    if not mixer.keys() <= _WITHOUT_EFFECT or any(settings.get(key) for key in _OFF):
        return None
    model_type = _TYPES.get(str(mixer.get("layer", "Mamba1")))
    if model_type is None or settings.get("rms_norm", True) is not True:
        return None
    return {
        "model_type": model_type,
        "tie_word_embeddings": settings.get("tie_embeddings", True) is True,
        **counts,
    }


MAMBA_SSM = Dialect(
    name="mamba_ssm",
    model_types=(),
    names={_EMBED: "backbone.embedding.weight", **{name: name for name in _SAME}},
    telling=(_EMBED, f"{_AT}mixer.A_log", f"{_AT}mixer.in_proj.weight", f"{_AT}mixer.out_proj.weight"),
    settings=("config.json",),
    said=_said,
)
