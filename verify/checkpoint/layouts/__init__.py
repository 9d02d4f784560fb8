"""The roles of tensors: tables of families, given and inferred layouts, and the parts of one model."""

from ...base.lazy import lazily

with lazily(__name__):
    from .declare import declarations, with_declarations
    from .draft import draft_layout
    from .layout_file import layout_of
    from .without_table import inferred

__all__ = ["declarations", "draft_layout", "inferred", "layout_of", "with_declarations"]
