"""Tables of a recipe that stand for many: ``{field}`` in a text is replaced by each value that ``each`` lists."""

from __future__ import annotations

import re
from itertools import product
from math import prod
from typing import Self, TypeVar

from pydantic import Field, StrictInt, StrictStr

from ..base import Record

MOST = 100_000
"""Largest number of tables that a recipe may stand for."""
_FIELD = re.compile(r"\{([^{}]*)\}")


class Pattern(Record):
    """A table that is repeated for every combination of values; one without ``each`` stands for itself."""

    each: dict[str, tuple[StrictStr | StrictInt, ...]] = Field(default_factory=dict)
    """Values by field, such as ``{"seed": [1, 2, 3]}``; every text of the table may have ``{seed}`` in it."""

    @property
    def combinations(self) -> int:
        """Number of tables that this one stands for."""
        return prod(map(len, self.each.values()))

    def expanded(self) -> tuple[Self, ...]:
        """One table for each combination of values, the last field varying fastest.

        Raises
        ------
        ValueError
            If a list is empty, or a text names a field that is not listed.

        Examples
        --------
        >>> class Pair(Pattern):
        ...     a: str
        >>> [pair.a for pair in Pair(a="{n}-{m}", each={"n": ["x", "y"], "m": [1, 2]}).expanded()]
        ['x-1', 'x-2', 'y-1', 'y-2']
        """
        if not self.each:
            return (self,)
        texts = {key: value for key in type(self).model_fields if isinstance(value := getattr(self, key), str)}
        for field, values in self.each.items():
            if not values:
                raise ValueError(f"`each` lists no value of {field!r:.40}; list some, or leave the field out")
        for key, text in texts.items():
            for field in _FIELD.findall(text):
                if field not in self.each:
                    raise ValueError(f"`{key}` has {{{field:.40}}}, which `each` does not list; list its values")
        found = []
        for values in product(*self.each.values()):
            chosen = dict(zip(self.each, map(str, values), strict=True))
            filled = {key: _FIELD.sub(lambda name: chosen[name[1]], text) for key, text in texts.items()}  # noqa: B023
            found.append(self.model_copy(update=filled | {"each": {}}))
        return tuple(found)


_P = TypeVar("_P", bound=Pattern)


def expand(tables: tuple[_P, ...]) -> tuple[_P, ...]:
    """All tables that some tables stand for, in order.

    Raises
    ------
    ValueError
        As :meth:`Pattern.expanded` does, and if they are more than :data:`MOST`.
    """
    number = sum(table.combinations for table in tables)
    if number > MOST:
        raise ValueError(f"the tables stand for {number}, more than {MOST}; list fewer values in `each`")
    return tuple(one for table in tables for one in table.expanded())
