"""The frozen base class of every stored result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from .card import Card, shown
from .display import Displayed

_LONGEST = 60  # characters of a value in a repr


if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)  # it has no public name


class _Named(ModelMetaclass):
    """Completion of a record, or of its class, offers our names alone: IPython asks the class as well."""

    def __dir__(self) -> list[str]:
        ours = (one for one in self.__mro__ if not issubclass(BaseModel, one))
        names = {name for one in ours for name in vars(one) if name[0] != "_" and not hasattr(BaseModel, name)}
        return sorted(names.union(self.model_fields))  # type: ignore[attr-defined]


class Record(Displayed, BaseModel, metaclass=_Named):
    """Immutable, closed (unknown fields are errors), finite numbers only.

    Numbers are finite because JSON has no infinity: a p-value of zero cannot be written.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        strict=False,
        protected_namespaces=(),  # `model_type` is the usual name
        defer_build=True,  # validators are built when first used, not on import
    )

    def __hash__(self) -> int:
        """Hash by content, like ``==``, also where a field is a mapping."""
        return hash((type(self), *(_frozen(getattr(self, name)) for name in type(self).model_fields)))

    def __dir__(self) -> list[str]:
        return dir(type(self))

    def __repr__(self) -> str:
        """The fields without those inside them, however many there are."""
        return f"{type(self).__name__}({', '.join(f'{name}={_brief(value)}' for name, value in self._stated())})"

    def _card(self) -> Card:
        """The fields that are not at their default, each as one value."""
        return Card(_in_words(type(self).__name__), tuple((name, _one(value)) for name, value in self._stated()))

    def _stated(self) -> Iterator[tuple[str, Any]]:
        for name, field in type(self).model_fields.items():
            if field.is_required() or getattr(self, name) != field.get_default(call_default_factory=True):
                yield name, getattr(self, name)


def _brief(value: Any) -> str:
    if isinstance(value, Record):
        return f"<{type(value).__name__}>"
    if isinstance(value, tuple | list | Mapping):
        return f"<{shown(value)}>" if value else repr(value)
    return f"{value!r:.{_LONGEST}}"


def _one(value: Any) -> str:
    """A value of a card; of a record inside, its repr."""
    return repr(value) if isinstance(value, Record) else shown(value, 200)


def _in_words(name: str) -> str:
    """The name of a class in words.

    Examples
    --------
    >>> _in_words("ExactResult")
    'Exact result'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _frozen(value: Any) -> Any:
    """A hashable stand-in for a value; equal values give equal stand-ins."""
    if isinstance(value, Mapping):
        return frozenset((key, _frozen(one)) for key, one in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def later(default: Any = None) -> Any:
    """A field that older files lack: it is not written when it has its default, so older files keep their bytes."""
    return Field(default=default, exclude_if=lambda value: value == default)
