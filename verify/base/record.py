"""The frozen record that every stored result is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


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
