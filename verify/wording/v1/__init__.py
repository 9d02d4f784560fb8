"""Version 1."""

from __future__ import annotations

from . import reasons

PHRASES = {"quoted": "{text}", **reasons.PHRASES}
"""Sentences by code, to be filled."""
