"""Which table reads a checkpoint: the one asked for, the one declared, the one whose names fit, or one inferred."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..base import CheckpointError
from .families import FAMILIES
from .infer import HINT, infer
from .layout import Family
from .naming import Prefix, Skeletons, prefixes


def choose(
    name: str, shapes: Mapping[str, tuple[int, ...]], config: dict[str, Any], layout: Family | None = None
) -> tuple[Family, Prefix]:
    """The family of a checkpoint and the prefix of its names.

    Parameters
    ----------
    name : of the checkpoint, for messages.
    shapes : stored shape by tensor name.
    config : ``config.json``.
    layout : the table to use, whatever names and ``config.json`` say.

    Raises
    ------
    CheckpointError
        If the layout asked for does not fit, several tables fit, or none does and nothing can be inferred.
    """
    present = Skeletons(shapes)
    declared = config.get("model_type") or ""
    what = f"The layout of {name} (model_type {declared!r:.60}, {len(shapes)} tensors)"
    if layout is not None:
        found = _fitting([layout], present)
        if len(found) == 1:
            return found[0]
        lacking = (
            "fits it under several prefixes" if found else f"needs {', '.join(layout.required)}, not all present"
        )
        raise CheckpointError(f"{what} is not understood: {layout.name} {lacking}; correct the layout file.")
    named = [family for family in FAMILIES if declared in family.model_types]
    fitting = _fitting(named, present) or _fitting((family for family in FAMILIES if family.by_names), present)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        tables = ", ".join(f"{family.name} at {''.join(prefix)!r:.80}" for family, prefix in fitting[:6])
        raise CheckpointError(
            f"{what} is not understood: several tables fit it ({tables}); name one by --layout, or {HINT}."
        )
    try:
        return infer(shapes), ("", "")
    except CheckpointError as error:
        raise CheckpointError(f"{what} is not understood: {error}; {HINT}.") from None


def _fitting(families: Iterable[Family], present: Skeletons) -> list[tuple[Family, Prefix]]:
    return [(family, prefix) for family in families for prefix in prefixes(family, present)]
