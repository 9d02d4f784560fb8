"""Version 1."""

from __future__ import annotations

PHRASES = {
    "quoted": "{text}",
    "width": "the residual streams have different widths ({a} and {b})",
}
"""Sentences by code, to be filled."""
