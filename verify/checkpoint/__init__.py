"""Bytes to canonical tensors, read only where needed; every file is treated as hostile."""

from .adapter import MOST_DECLARED
from .architecture import Architecture, FileIdentity
from .checkpoint import Checkpoint, Key, open_checkpoint
from .families import FAMILIES, Family
from .place import Location

__all__ = [
    "FAMILIES",
    "MOST_DECLARED",
    "Architecture",
    "Checkpoint",
    "Family",
    "FileIdentity",
    "Key",
    "Location",
    "open_checkpoint",
]
