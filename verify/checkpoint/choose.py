"""Which table reads a checkpoint: the one asked for, the one declared, the one whose names fit, or one inferred."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..base import CheckpointError
from .families import FAMILIES
from .infer import HINT, infer
from .layout import Family
from .naming import Prefix, Skeletons, places, prefixes, settled


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
        found = _fitting([layout], present, config)
        if len(found) == 1:
            return found[0]
        lacking = (
            "fits it under several prefixes" if found else f"needs {', '.join(layout.required)}, not all present"
        )
        raise CheckpointError(f"{what} is not understood: {layout.name} {lacking}; correct the layout file.")
    named = [family for family in FAMILIES if declared in family.model_types]
    fitting = _fitting(named, present, config)
    if not fitting:
        by_names = _fitting((family for family in FAMILIES if family.by_names), present, config, declared=False)
        fitting = [found for found in by_names if _reads_every_layer(*found, shapes)]
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


def _fitting(
    families: Iterable[Family], present: Skeletons, config: Mapping[str, Any], declared: bool = True
) -> list[tuple[Family, Prefix]]:
    """The families that fit, each settled to where its roles lie; of declared ones not those that say less."""
    found = []
    for family in families:
        tied = config.get("tie_word_embeddings", family.tied) is True
        tables = [family, *([_by_head(family)] if tied and {"embed"} <= family.globals.keys() else [])]
        fits = next(
            (pairs for table in tables if (pairs := [(table, p) for p in prefixes(table, present, declared)])), []
        )
        found += [(settled(table, prefix, present) if declared else table, prefix) for table, prefix in fits]
    if not declared:
        return found
    return [one for one in found if not any({*one[0].required} < {*other[0].required} for other in found)]


def _by_head(family: Family) -> Family:
    """The same family where the one tied matrix is stored under the name of the head alone."""
    if "unembed" not in family.unprefixed:
        return family
    inside = {role: entry for role, entry in family.globals.items() if role != "embed"}
    return replace(family, globals=inside, unprefixed={"embed": family.unprefixed["unembed"]})


def _reads_every_layer(family: Family, prefix: Prefix, names: Iterable[str]) -> bool:
    """Whether each layer has an MLP that the table knows: one that reads some layers only is not this model's."""
    keys = [key for found in places(family, prefix, names).values() for key, _ in found]
    layers = {layer for _, layer, _ in keys if layer is not None}
    return layers == {layer for role, layer, _ in keys if role in ("down", "expert_down")}
