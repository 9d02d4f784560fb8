"""Find the tables that read the tensors of a checkpoint, and the main part."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from ...base import CheckpointError, HostileError, OptionError, UnsupportedError
from .. import layouts
from .config import sections_of
from .divide import BESIDE, INSIDE, OTHERS, divide, in_order
from .families import FAMILIES
from .fit import Fit, fit_at
from .kinds import OUTSIDE
from .layout import HINT, Family, Slot, slot_of
from .naming import Key, Prefix, Skeletons, every_prefix, settled

MOST_PARTS = 32
"""Largest number of understood parts; no published model has a third as many."""


def understood(
    name: str, shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any], layout: Family | None = None
) -> list[Fit]:
    """The parts of a checkpoint that tables can read, the main one first.

    Of several tables that claim the same tensors, the one that ``config.json`` names for the part is used, else the
    one that claims most tensors. The main part is the largest that is no copy or draft of another.

    Parameters
    ----------
    name : of the checkpoint, for messages.
    shapes : stored shape by tensor name.
    config : ``config.json``.
    layout : table of the main part, which overrides names and ``config.json``.

    Raises
    ------
    CheckpointError
        If the given layout does not fit, two tables fit the same tensors equally well, there are more than
        :data:`MOST_PARTS` parts, or nothing can be recognised or inferred.
    """
    declared = config.get("model_type") or ""
    what = f"The layout of {name} (model_type {declared!r:.60}, {len(shapes)} tensors) is not understood"
    fits = _disjoint(_candidates(shapes, config, layout, what), what)
    refusal: CheckpointError | None = None
    if not fits:
        try:
            fits = layouts.inferred(shapes, config)
        except CheckpointError as error:
            refusal = error
    if refusal is not None or fits[0].family.name != "inferred":
        fits += _guessed(divide(in_order(fits, shapes), shapes).groups, shapes, config)
    if not fits:
        raise UnsupportedError(f"{what}: {refusal}; {HINT}.")
    if len(fits) > MOST_PARTS:
        raise HostileError(
            f"{name} holds {len(fits)} parts that each are a model, more than {MOST_PARTS}; give one file for each."
        )
    return _with_heads(in_order(fits, shapes), shapes)


def _candidates(
    shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any], layout: Family | None, what: str
) -> list[Fit]:
    """Every table at every prefix that has its required tensors, the given layout first."""
    present, ordered, sections = Skeletons(shapes), sorted(shapes), list(sections_of(config))
    found: list[Fit] = []
    if layout is not None:
        asked = every_prefix(layout, present)
        own = [prefix for prefix in asked if not prefix[0]]  # no other model is around or beside it
        asked = own if len(own) == 1 else asked
        if len(asked) != 1:
            lacking = (
                "fits it under several prefixes" if asked else f"needs {', '.join(layout.required)}, not all present"
            )
            raise OptionError(f"{what}: {layout.name} {lacking}; correct the layout file.")
        there = settled(layout, asked[0], present)
        found.append(replace(fit_at(there, asked[0], ordered, config, sections), asked=True))
    said = [config.get("model_type"), *(section.get("model_type") for _, section in sections)]
    named = FAMILIES.of_types(said)

    def at_every_prefix(family: Family, present: Skeletons, *, sure: bool) -> Iterator[tuple[Family, Prefix]]:
        prefixes = every_prefix(family, present, sure)
        if len(prefixes) > MOST_PARTS:
            raise HostileError(
                f"{what}: {family.name} fits it under {len(prefixes)} prefixes, more than {MOST_PARTS} models in "
                "one; give one file for each."
            )
        for prefix in prefixes:
            yield settled(family, prefix, present) if sure else family, prefix

    def by_names(family: Family, present: Skeletons, known: Container[Prefix] = ()) -> Iterator[Fit]:
        for table, prefix in at_every_prefix(family, present, sure=False):
            if prefix not in known and family.by_names:
                fit = fit_at(table, prefix, ordered, config, sections)
                if _reads_every_layer(fit):
                    yield fit

    for family in named:
        known = dict[Prefix, Fit]()
        tables = (family, _by_head(family))
        for table, prefix in chain.from_iterable(at_every_prefix(one, present, sure=True) for one in tables):
            if prefix in known:
                continue
            fit = fit_at(table, prefix, ordered, config, sections)
            tied = fit.config.get("tie_word_embeddings", family.tied) is True
            if fit.declared and (tied or table.unprefixed == family.unprefixed):
                known[prefix] = fit
        for fit in by_names(family, present, known):
            known.setdefault(fit.prefix, fit)
        found += known.values()
    sure = _disjoint([fit for fit in found if fit.asked or fit.declared], what)  # any other table ranks below these
    taken = {tensor for fit in sure for tensor in fit.keys}
    if left := shapes.keys() - taken:
        rest = Skeletons(left)
        found += (fit for family in FAMILIES if family not in named for fit in by_names(family, rest))
    return found


def _by_head(family: Family) -> Family:
    """The same family, for a model whose tied matrix is stored only under the name of the head."""
    if "unembed" not in family.unprefixed or "embed" not in family.globals:
        return family
    inside = {role: entry for role, entry in family.globals.items() if role != "embed"}
    return replace(family, globals=inside, unprefixed={"embed": family.unprefixed["unembed"]})


def _reads_every_layer(fit: Fit) -> bool:
    """Whether the table knows an MLP in each layer; a table that reads only some layers does not fit."""
    keys = [key for found in fit.keys.values() for key, _ in found]
    layers = {layer for _, layer, _ in keys if layer is not None}
    return layers == {layer for role, layer, _ in keys if role in ("down", "expert_down")}


def _disjoint(found: Iterable[Fit], what: str) -> list[Fit]:
    """Disjoint fits: the given layout first, then declared families, then the largest.

    Raises
    ------
    CheckpointError
        If two of them cannot be ranked.
    """

    def rank(fit: Fit) -> tuple[bool, bool, int, int]:
        return fit.asked, fit.declared, len(fit.keys), len(fit.family.required)

    kept: list[Fit] = []
    owner: dict[str, Fit] = {}
    for fit in sorted(found, key=rank, reverse=True):
        taken = next((owner[tensor] for tensor in fit.keys if tensor in owner), None)
        if taken is None:
            kept.append(fit)
            owner |= dict.fromkeys(fit.keys, fit)
        elif rank(taken) == rank(fit) and taken.family.name != fit.family.name:
            tables = ", ".join(f"{one.family.name} at {''.join(one.prefix)!r:.80}" for one in (taken, fit))
            raise OptionError(f"{what}: several tables fit it ({tables}); name one by --layout, or {HINT}.")
    return kept


def _guessed(
    groups: Mapping[str, Sequence[str]], shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any]
) -> list[Fit]:
    """Parts inferred from the groups that no table knows."""
    fits: list[Fit] = []
    for group, names in groups.items():
        if group not in (OTHERS, OUTSIDE) and not group.startswith((INSIDE, BESIDE)) and len(names) < len(shapes):
            try:
                fits += layouts.inferred({name: shapes[name] for name in names}, config, group)
            except CheckpointError:
                continue  # it remains a group
    return fits


def _with_heads(fits: Sequence[Fit], shapes: Mapping[str, tuple[int, ...]]) -> list[Fit]:
    """Add unembeddings that lie outside the part, beside its wrapper or in it."""
    taken, found = {tensor for fit in fits for tensor in fit.keys}, []
    for fit in fits:
        held = {key[0] for keys in fit.keys.values() for key, _ in keys}
        embed = next((shapes[n] for n, keys in fit.keys.items() if any(key[0] == "embed" for key, _ in keys)), None)
        own: dict[str, Sequence[tuple[Key, Slot]]] = {}
        words = fit.prefix[0].split(".")[:-1]
        for role, entry in fit.family.unprefixed.items():
            slot = slot_of(entry)
            names = (".".join([*words[:i], slot.name]) for i in range(len(words) - 1, -1, -1))
            beside = next((n for n in names if n in shapes and n not in taken), None)
            if role not in held and beside is not None and shapes[beside][:1] == (embed or ())[:1]:
                own[beside] = [((role, None, None), slot)]
                taken.add(beside)
        found.append(replace(fit, keys={**fit.keys, **own}) if own else fit)
    return found
