"""Figures of a page."""

from __future__ import annotations

from ..page import Block, Picture


def shown(pictures: dict[str, Picture], name: str) -> list[Block]:
    """The figure of a name, if there is one."""
    return [pictures[name]] if name in pictures else []
