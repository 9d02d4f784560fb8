"""An adapter, its base and a model said to descend from that: whether the model holds what the adapter changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..base import Progress, silent
from .adapters.adapter import is_drawn
from .adapters.experts import Stack
from .adapters.names import Names
from .adapters.presence import SLACK, TIGHT, Presence, parts, presence, same_numbers
from .adapters.sum import Sum
from .formats.rounding import is_plain
from .formats.tensor import Tensor
from .opening import adapter_and_base, contents
from .places.place import Location

MISSING, SHAPE, QUANTISED = REASONS = "missing", "shape", "quantised"
"""Why a tensor of the base is not compared: the model has none of its name; it has another shape; or its numbers are
not stored as plain floating-point numbers."""


@dataclass(frozen=True)
class Compared:
    """A tensor of the base, beside that of the model."""

    name: str
    """In the base."""
    changed: bool
    """Whether the adapter changes it."""
    entries: int
    """Numbers compared."""
    same: int
    """Those that are as in the base."""
    counts: Presence | None = None
    """Of a tensor that the adapter changes."""
    refused: str | None = None
    """Why it is not compared, one of ``REASONS``."""
    drawn: bool = False
    """Whether chance drew numbers of its change before the adapter was trained."""


def compare_change(adapter: Location, model: Location, progress: Progress = silent) -> Iterator[Compared]:
    """Compare a model with the base of an adapter and with the two merged, tensor by tensor, in bounded memory.

    Parameters
    ----------
    adapter : the adapter, with its base.
    model : the model questioned.
    progress : called with the number of tensors read, and of all.

    Yields
    ------
    Compared
        The tensors of the base, in the order of their names.

    Raises
    ------
    CheckpointError
        If a file cannot be read.
    """
    base, merged, config = adapter_and_base(adapter)
    found = contents(model).found
    names, turned, drawn = Names(found), config.get("fan_in_fan_out") is True, is_drawn(config)
    for done, name in enumerate(sorted(base)):
        other = names.find(name)
        slack = SLACK if drawn and isinstance(merged[name], Sum | Stack) else TIGHT
        yield _compared(name, base[name], merged[name], None if other is None else found[other], turned, slack)
        progress("compare", done + 1, len(base))


def _compared(name: str, base: Tensor, merged: Tensor, model: Tensor | None, turned: bool, slack: float) -> Compared:
    changed = merged is not base
    if model is None:
        return Compared(name, changed, 0, 0, refused=MISSING)
    rows = _rows(name, base, merged, model)
    if rows is None or (turned and len(base.shape) > 1 and base.is_out_in is not model.is_out_in):
        return Compared(name, changed, 0, 0, refused=SHAPE)
    if not is_plain(model) or (not changed and not is_plain(base)):
        return Compared(name, changed, 0, 0, refused=QUANTISED)
    if not changed:
        return Compared(name, changed, *same_numbers(base, model, rows))
    pieces = parts(base, merged, model)
    counts = presence(pieces, rows if pieces[0][0] is base else pieces[0][0].shape[0], slack)
    return Compared(name, changed, counts.entries, counts.same, counts, drawn=slack == SLACK)


def _rows(name: str, base: Tensor, merged: Tensor, model: Tensor) -> int | None:
    """Rows that all three have, which differ in number only for tokens; None if their shapes differ otherwise."""
    shapes = [tensor.shape for tensor in (base, merged, model)]
    if not all(shapes) or len({shape[1:] for shape in shapes}) > 1 or 0 in shapes[0]:
        return None
    by_token = len(shapes[0]) == 2 and not any(part.isdigit() for part in name.split("."))
    if len(set(shapes)) > 1 and not by_token:
        return None
    return min(shape[0] for shape in shapes)
