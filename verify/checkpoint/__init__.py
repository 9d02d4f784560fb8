"""Bytes to canonical tensors, read only where needed; every file is treated as hostile."""

from .architecture import Architecture, FileIdentity
from .checkpoint import Checkpoint, Key, open_checkpoint
from .families import FAMILIES, Family
from .place import Location

__all__ = ["FAMILIES", "Architecture", "Checkpoint", "Family", "FileIdentity", "Key", "Location", "open_checkpoint"]
