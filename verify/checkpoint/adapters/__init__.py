"""Adapters merged with their bases as they are read."""

from ...base.lazy import lazily

with lazily(__name__):
    from .adapter import base_of, merge, settings_of

__all__ = ["base_of", "merge", "settings_of"]
