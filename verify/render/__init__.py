"""Pages derived from the record alone."""

from .markdown import markdown

__all__ = ["markdown"]
