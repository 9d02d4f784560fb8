"""Encoders of sound built as Whisper's: OPT's layers behind two convolutions, fixed vectors for positions."""

from dataclasses import replace

from ..layout import with_bias
from .opt import BEFORE, BODY, OPT

SOUND_ENCODER = replace(
    OPT,
    name="sound_encoder",
    kind="audio tower",
    model_types=(
        *("qwen2_audio_encoder", "voxtral_encoder", "audioflamingo3_encoder", "moss_transcribe_diarize_audio"),
    ),
    prefixes=("",),
    globals=with_bias(norm_final="layer_norm"),
    layer=BODY | BEFORE,
    unprefixed={},
    outside=(r"(^|\.)conv[12]\.", r"(^|\.)embed_positions\.weight$"),
    required=("q", "k", "v", "o", "up", "down", "norm_attn", "norm_mlp"),
    telling=(),
    by_names=False,
    positions="sinusoidal",
    tied=False,
    switches={},
)
