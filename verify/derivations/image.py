"""Rules that are functions: of the numbers before, or of those of a third model alone."""

from __future__ import annotations

from collections.abc import Callable

from .casts import Array, nearest, same
from .check import Block, Enough
from .record import Rule


class Image:
    """A function of the numbers before; of a grid that the type of the file does not ask for, enough must say so."""

    def __init__(self, rule: Rule, function: Callable[[Array], Array], dtype: str, *, chosen: bool = False) -> None:
        self.rule, self.function, self.dtype = rule, function, dtype
        self.enough = Enough() if chosen else None

    def holds(self, at: Block) -> bool:
        """Compare the image with the numbers after."""
        x, y = at.x, at.y
        if self.enough is not None:
            self.enough.see(y)
        return bool(same(nearest(self.function(x), self.dtype), y).all())

    def found(self) -> Rule | None:
        """The rule."""
        return self.rule if self.enough is None or self.enough() else None


class OfThird:
    """The numbers of the third model, rounded to the type of the file."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def holds(self, at: Block) -> bool:
        """Compare with the third model."""
        y, z = at.y, at.z
        return z is not None and bool(same(nearest(z, self.dtype), y).all())

    def found(self) -> Rule | None:
        """The rule."""
        return Rule(name="of_third")
