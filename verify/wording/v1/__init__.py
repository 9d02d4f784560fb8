"""Version 1."""

from ...base.lazy import lazily

with lazily(__name__):
    from .catalogue import FORMATS, PHRASES

__all__ = ["FORMATS", "PHRASES"]
