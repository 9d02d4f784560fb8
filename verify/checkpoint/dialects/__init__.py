"""Names of other tools than transformers: their tensors as on the Hub, and their settings as in ``config.json``."""

from .slices import joined
from .translate import translated

__all__ = ["joined", "translated"]
