"""Template environments in which every printed value is escaped for its format."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from .escape import Styles, finalizer


def environment(styles: Styles, **options: Any) -> Environment:
    """An environment in which every printed value, unless it is our own markup, goes through one of the styles."""
    return Environment(
        loader=PackageLoader("verify.render"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=finalizer(styles),
        **{"autoescape": False} | options,
    )
