"""The frozen record that every stored result is made of."""

from __future__ import annotations

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
        protected_namespaces=(),  # `model_type` is what everybody calls it
        defer_build=True,  # validators are built when first used, not on import
    )


def later(default: Any = None) -> Any:
    """A field that older files lack: it is not written where it has its default, so they keep their bytes."""
    return Field(default=default, exclude_if=lambda value: value == default)
