"""Read checkpoints: bytes to canonical tensors, reading only what is needed; every file is treated as hostile."""

from ..base.lazy import lazily

with lazily(__name__):
    from .adapters.alone import ALONE, is_alone, modules_apart
    from .adapters.names import Names
    from .architecture import Architecture, FileIdentity
    from .card import MOST_DECLARED
    from .checkpoint import Checkpoint
    from .formats.rounding import rounded, step
    from .formats.tensor import Tensor
    from .layouts.divide import MOST_GROUPS, Part
    from .layouts.draft import draft_layout
    from .layouts.families import FAMILIES, Family
    from .layouts.kinds import COPIES, KINDS
    from .layouts.layout import STATED
    from .layouts.layout_file import layout_of, read_layout
    from .layouts.naming import Key
    from .layouts.understand import MOST_PARTS
    from .opening import drafted_layout, on_base, open_checkpoint
    from .places.hub_dates import HubDate, hub_dates
    from .places.place import Location
    from .presence import compare_change
    from .side_by_side import Beside, Opened, coarsest_type, each_beside, opened
    from .source import ResolvedLocation, resolve_location
    from .unused import BYTES, is_name, kind_of, name_of_byte
    from .vocabulary import LOOKED_FOR, Vocabulary

__all__ = [
    "ALONE",
    "BYTES",
    "COPIES",
    "FAMILIES",
    "KINDS",
    "LOOKED_FOR",
    "MOST_DECLARED",
    "MOST_GROUPS",
    "MOST_PARTS",
    "STATED",
    "Architecture",
    "Beside",
    "Checkpoint",
    "Family",
    "FileIdentity",
    "HubDate",
    "Key",
    "Location",
    "Names",
    "Opened",
    "Part",
    "ResolvedLocation",
    "Tensor",
    "Vocabulary",
    "coarsest_type",
    "compare_change",
    "draft_layout",
    "drafted_layout",
    "each_beside",
    "hub_dates",
    "is_alone",
    "is_name",
    "kind_of",
    "layout_of",
    "modules_apart",
    "name_of_byte",
    "on_base",
    "open_checkpoint",
    "opened",
    "read_layout",
    "resolve_location",
    "rounded",
    "step",
]
