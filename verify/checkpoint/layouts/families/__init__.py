"""The tables of architecture families in the order in which they are tried; each is loaded when it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import overload

from ..layout import Family
from ..mixtures import with_stacked_experts
from .index import INDEX


class Families(Sequence[Family]):
    """Tables by their place, name or model types; what the index tells loads none."""

    @overload
    def __getitem__(self, at: int) -> Family: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Family]: ...

    def __getitem__(self, at: int | slice) -> Family | Sequence[Family]:
        places = list(INDEX)[at]
        return _table(places) if isinstance(places, str) else [_table(place) for place in places]

    def __iter__(self) -> Iterator[Family]:
        return map(_table, INDEX)

    def __len__(self) -> int:
        return len(INDEX)

    def of_types(self, model_types: Iterable[object]) -> list[Family]:
        """The tables of some model types, in their order; what is no text is of no type."""
        asked = {one for one in model_types if isinstance(one, str)}
        return [_table(place) for place, (_, types) in INDEX.items() if not asked.isdisjoint(types)]

    def of_name(self, name: str) -> Family | None:
        """The table of a name, if there is one."""
        return next((_table(place) for place, (one, _) in INDEX.items() if one == name), None)

    def know(self, model_type: str) -> bool:
        """Whether a table is of a model type."""
        return any(model_type in types for _, types in INDEX.values())


@cache
def _table(place: str) -> Family:
    """The table at a place of the index."""
    module, _, name = place.partition(".")
    table: Family = getattr(import_module(f".{module}", __package__), name)
    return with_stacked_experts(table)


FAMILIES = Families()

__all__ = ["FAMILIES", "Families", "Family"]
