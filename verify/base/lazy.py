"""Names of a package that are imported when they are first asked for, written as plain imports.

A process pays for what it uses: a comparison of two models loads neither panels nor the readers of other formats.
Readers, type checkers and linters see the imports as they stand.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def lazily(package: str) -> Iterator[None]:
    """Put off the relative imports of a block in the ``__init__`` of a package until a name is asked for.

    Names of modules of the package lead to them as well. What the ``__init__`` itself uses is imported outside the
    block: code in it finds no name that was put off.

    Examples
    --------
    In the ``__init__`` of a package::

        with lazily(__name__):
            from .record import Panel, PanelRecord
    """
    space = vars(sys.modules[package])
    at_once = builtins.__import__

    def put_off(name: str, *rest: Any, **named: Any) -> Any:
        if not rest or rest[0] is not space or not (level := rest[-1]):  # of another module, or of no package
            return at_once(name, *rest, **named)
        return _Module("." * level + name)

    builtins.__import__ = put_off
    try:
        yield
    finally:
        builtins.__import__ = at_once
    later = {name: value for name, value in space.items() if isinstance(value, _Name)}
    for name in later:
        del space[name]

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name in later:
            place, attribute = later[name].place, later[name].attribute
            module = import_module(place, package)
            # a package that can be called stands for its function
            value = space[name] = module if place == f".{name}" else getattr(module, attribute)
            return value
        if not name.startswith("_"):
            try:
                return import_module(f".{name}", package)
            except ModuleNotFoundError as error:
                if error.name != f"{package}.{name}":
                    raise
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    space["__getattr__"] = __getattr__
    space["__dir__"] = lambda: sorted({*space, *later} - {"__dir__", "__getattr__"})


class _Module:
    """What stands for a module in the block: its attributes are names for later."""

    def __init__(self, place: str) -> None:
        self._place = place

    def __getattr__(self, attribute: str) -> _Name:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return _Name(self._place, attribute)


class _Name:
    """A name for later: an attribute of a module."""

    def __init__(self, place: str, attribute: str) -> None:
        self.place = place
        self.attribute = attribute
