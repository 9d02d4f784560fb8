"""Kinds of parts of a model, recognised by words in the names of their tensors."""

from __future__ import annotations

import re

OUTSIDE = "no prefix"
"""Name of the group of tensors whose names have no prefix."""
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
"""All kinds."""
COPIES = ("EMA copy", "draft layers")
"""Kinds that are never the main part if there is another."""
OVER_TABLE = ("EMA copy", "draft layers", "image tower", "audio tower", "text encoder")
"""Kinds in a name that override the usual kind of the table."""
_WRAPPERS = ("model", "module", "transformer", "base_model")


def kind_of(name: str) -> tuple[str | None, str]:
    """Kind of a tensor by the words of its name, or None; and the prefix of tensors like it."""
    words = words_of(name)
    for i, word in enumerate(words):
        if (kind := kind_of_word(word)) is not None:
            return kind, ".".join(words[: i + 1])
    return None, ".".join(words[: 2 if words[:1] and words[0] in _WRAPPERS else 1]) or OUTSIDE


def words_of(name: str) -> list[str]:
    """The words of a tensor's name before the last one and before any number."""
    words = name.split(".")[:-1]
    return words[: next((i for i, word in enumerate(words) if word.isdecimal()), len(words))]


def kind_of_word(word: str) -> str | None:
    """Kind for one word of a name, or None."""
    return next((kind for kind, pattern in _KINDS if pattern.search(word.lower())), None)


def sense(kind: str) -> str:
    """What a part works on: all kinds that work on text are equal."""
    return "text" if kind in ("language model", "text encoder", "encoder and decoder") else kind
