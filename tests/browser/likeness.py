"""Whether a screenshot looks like the one that was looked at and kept."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_HALF = 2  # screenshots are kept at half their size
_COLOURS = 48
_SEEN = 40  # of 255: a difference of a pixel that an eye sees
MOST = 0.002
"""Largest share of pixels that may differ by more than rounding of letters and lines does."""


def reduced(png: bytes) -> bytes:
    """A screenshot as it is kept: half as large, and of few colours."""
    image = Image.open(BytesIO(png)).convert("RGB")
    small = image.resize((image.width // _HALF, image.height // _HALF), Image.Resampling.BOX)
    kept = BytesIO()
    few = small.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(kept, "PNG", optimize=True)
    return kept.getvalue()


def difference(png: bytes, reference: Path) -> float:
    """Share of pixels of a reduced screenshot that differ visibly from the reference; 1 if the sizes differ."""
    found, expected = _pixels(png), _pixels(reference.read_bytes())
    if found.shape != expected.shape:
        return 1.0
    return float((np.abs(found - expected).max(-1) > _SEEN).mean())


def _pixels(png: bytes) -> NDArray[np.int16]:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"), dtype=np.int16)
