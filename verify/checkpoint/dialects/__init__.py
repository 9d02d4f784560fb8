"""Names of other tools than transformers: their tensors as on the Hub, and their settings as in ``config.json``."""

from ...base.lazy import lazily

with lazily(__name__):
    from .ranks import put_together
    from .slices import joined
    from .translate import translated

__all__ = ["joined", "put_together", "translated"]
