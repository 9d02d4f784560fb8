"""Bytes to canonical tensors, read only where needed; every file is treated as hostile."""

from .adapter import MOST_DECLARED
from .architecture import Architecture, FileIdentity
from .checkpoint import Checkpoint, drafted_layout, open_checkpoint
from .families import FAMILIES, Family
from .infer import draft_layout
from .layout_file import read_layout
from .naming import Key
from .place import Location
from .source import Whereabouts, whereabouts

__all__ = [
    "FAMILIES",
    "MOST_DECLARED",
    "Architecture",
    "Checkpoint",
    "Family",
    "FileIdentity",
    "Key",
    "Location",
    "Whereabouts",
    "draft_layout",
    "drafted_layout",
    "open_checkpoint",
    "read_layout",
    "whereabouts",
]
