"""Kinds of parts of a model, as words in the names of their tensors tell them."""

from __future__ import annotations

import re

OUTSIDE = "no prefix"
"""Name of the group of tensors whose names have no beginning."""
_KINDS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("EMA copy", r"(^|_)ema(_|\d|$)"),
        ("draft layers", r"(^|_)(mtp|draft|nextn|eagle|medusa)(_|\d|$)"),
        ("adapter", r"(^|_)(lora|adapters?)(_|$)"),
        ("projector", r"projector|connector|aligner|resampler|(^|_)(merger|mm_proj|multi_modal_proj|modality_proj)"),
        ("image tower", r"vision|visual|image|(^|_)(vit|img)(_|$)"),
        ("audio tower", r"audio|speech|sound|whisper"),
        ("text encoder", r"text_enc|cond_stage|conditioner"),
        ("denoiser", r"diffusion|denois|(^|_)unet"),
        ("autoencoder", r"(^|_)vae(_|$)|first_stage|autoencoder"),
        ("language model", r"language|(^|_)(llm|text)(_|$)|^lm_head"),
        ("decoder", r"^(\w+_)?decoder$"),
        ("encoder", r"^(\w+_)?encoder$"),
    )
)
KINDS = (*(kind for kind, _ in _KINDS), "encoder and decoder", "other")
"""Everything that a part may be called."""
COPIES = ("EMA copy", "draft layers")
"""Kinds that are never the main part beside another."""
OVER_TABLE = ("EMA copy", "draft layers", "image tower", "audio tower", "text encoder")
"""Kinds that a name tells against what the table is usually of."""
_WRAPPERS = ("model", "module", "transformer", "base_model")


def kind_of(name: str) -> tuple[str | None, str]:
    """Kind of a tensor as the words of its name tell, None where none does; and what tensors like it begin with."""
    words = words_of(name)
    for i, word in enumerate(words):
        if (kind := kind_of_word(word)) is not None:
            return kind, ".".join(words[: i + 1])
    return None, ".".join(words[: 2 if words[:1] and words[0] in _WRAPPERS else 1]) or OUTSIDE


def words_of(name: str) -> list[str]:
    """The parts of a tensor's name before its own and before any number."""
    words = name.split(".")[:-1]
    return words[: next((i for i, word in enumerate(words) if word.isdecimal()), len(words))]


def kind_of_word(word: str) -> str | None:
    """Kind that one word of a name tells; None where it tells none."""
    return next((kind for kind, pattern in _KINDS if pattern.search(word.lower())), None)


def sense(kind: str) -> str:
    """What a part works on: kinds that work on text are one."""
    return "text" if kind in ("language model", "text encoder", "encoder and decoder") else kind
