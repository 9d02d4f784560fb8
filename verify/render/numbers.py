"""How numbers of the record are rounded, in every format."""

from __future__ import annotations

from .kinds import Number


def log10(value: float | None) -> Number:
    """A log10 p-value: two decimals above -100, and a whole number from there on."""
    return Number("–" if value is None else f"{value:z.2f}" if value > -100 else f"{value:.0f}")


def share(value: float | None) -> Number:
    """A share, a score or a bound: three decimals."""
    return Number("–" if value is None else f"{value:z.3f}")


def general(value: float) -> Number:
    """A level, as short as it was given."""
    return Number(f"{value:g}")


def count(value: int) -> Number:
    """A whole number."""
    return Number(value)
