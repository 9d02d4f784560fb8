"""The frozen base class of every stored result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Record(BaseModel):
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


def _frozen(value: Any) -> Any:
    """A hashable stand-in for a value; equal values give equal stand-ins."""
    if isinstance(value, Mapping):
        return frozenset((key, _frozen(one)) for key, one in value.items())
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def later(default: Any = None) -> Any:
    """A field that older files lack: it is not written when it has its default, so older files keep their bytes."""
    return Field(default=default, exclude_if=lambda value: value == default)
