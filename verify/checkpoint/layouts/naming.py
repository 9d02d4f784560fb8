"""Map tensor names to canonical keys: numbers in a name count layers and experts, or are part of the name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from ...base import DamagedError, UnsupportedError
from .layout import Family, Slot, slot_of

T = TypeVar("T")

Key = tuple[str, int | None, int | None]
"""Role, layer (None for the whole model), expert (None outside routed experts)."""
Prefix = tuple[str, str]
"""Outer prefix of every name, and the family's own prefix of all but the unprefixed names."""

NUMBER = re.compile(r"(?<=\.)[0-9]{1,6}(?=\.)")
"""A part of a name that is a number."""
_PLACE = re.compile(r"(?<=\.)(?:\{i\}|\{e\}|[0-9]{1,6})(?=\.)")

PEFT_PREFIX = "base_model.model."
"""PEFT's prefix of all names."""
_WRAPPERS = re.compile(r"(?:(?<=\.)|^)(?:_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")
_BASE_LAYER = re.compile(r"(?<=\.)base_layer\.")
_PARALLEL = "module."
_FLAT = re.compile(r"(?:^|\.)_?flat_param(?:_\d+)?$")


def unwrapped(found: Mapping[str, T], whole: bool = True) -> dict[str, T]:
    """Tensors under their names without wrappers for compiling, sharding or checkpointing.

    Parameters
    ----------
    found : by stored name.
    whole : whether they are of a whole model; then PEFT's prefixes are removed too.

    Raises
    ------
    CheckpointError
        If parameters were flattened into one tensor, or two names are equal but for wrappers.

    Examples
    --------
    >>> unwrapped({"module.layers.0._orig_mod.mlp.up.weight": 1})
    {'layers.0.mlp.up.weight': 1}
    """
    names: dict[str, str] = {}
    for stored in found:
        if _FLAT.search(stored):
            raise UnsupportedError(
                f"Tensor {stored!r:.200} holds many parameters, flattened by FSDP into one; expected one tensor a "
                "parameter; save the full state dict of the model."
            )
        name = _WRAPPERS.sub("", stored)
        names[stored] = _BASE_LAYER.sub("", name.removeprefix(PEFT_PREFIX)) if whole else name
    if all(name.startswith(_PARALLEL) for name in names.values()):
        names = {stored: name.removeprefix(_PARALLEL) for stored, name in names.items()}
    result: dict[str, T] = {}
    for stored, name in names.items():
        if name in result:
            other = next(one for one in names if names[one] == name)
            raise DamagedError(
                f"Tensors {other!r:.200} and {stored!r:.200} have one name but for wrappers; expected one of them."
            )
        result[name] = found[stored]
    return result


class Skeletons:
    """Names with every number replaced by NUL, which no printable name contains; indexed by their ends."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_end: dict[str, set[str]] = {}
        for name in {NUMBER.sub("\0", name) for name in names}:
            self._by_end.setdefault(self._end(name), set()).add(name)

    def __contains__(self, name: str) -> bool:
        return name in self._by_end.get(self._end(name), ())

    def before(self, name: str) -> list[str]:
        """The prefixes before a name of three or more words inside longer names, in order."""
        longer = self._by_end.get(self._end(name), ())
        return sorted(other.removesuffix(name) for other in longer if other.endswith("." + name))

    @staticmethod
    def _end(name: str) -> str:
        return ".".join(name.rsplit(".", 2)[-2:])


def every_prefix(family: Family, present: Skeletons, declared: bool = True) -> list[Prefix]:
    """Prefixes under which the tensors that a family requires are present, in any layer.

    The family's own prefixes come first, then those of an enclosing or neighbouring model. Unless ``declared``, only
    the first place of each role counts, and the roles that identify the family are required too.

    Parameters
    ----------
    family : the table.
    present : names of the tensors.
    declared : whether ``config.json`` declares the model to be of this family.

    Returns
    -------
    list of Prefix
        The family's own prefixes first.
    """
    roles = family.required if declared else (*family.required, *family.telling)

    def fits(outer: str, own: str) -> bool:
        return all(any(name in present for name in _skeletons(family, role, outer, own, declared)) for role in roles)

    found: dict[str, Prefix] = {own: ("", own) for own in family.prefixes if fits("", own)}
    for own in family.prefixes:
        for last in _skeletons(family, roles[-1], "", own, declared):
            for outer in present.before(last):
                if not any(sign in outer for sign in "\0{}") and fits(outer, own):
                    found.setdefault(outer + own, (outer, own))
    return list(found.values())


def settled(family: Family, prefix: Prefix, present: Skeletons) -> Family:
    """The family with each role at its place in this model.

    Parameters
    ----------
    family : the table.
    prefix : the prefix under which it is read.
    present : names of the tensors.

    Returns
    -------
    Family
        The same table with one place for each role.
    """

    def at(table: Mapping[str, str | Slot]) -> dict[str, str | Slot]:
        result = dict(table)
        for role in family.others.keys() & table.keys():
            places = zip((table[role], *family.others[role]), _skeletons(family, role, *prefix), strict=True)
            result[role] = next((entry for entry, name in places if name in present), table[role])
        return result

    return replace(family, globals=at(family.globals), layer=at(family.layer))


def _skeletons(family: Family, role: str, outer: str, own: str, others: bool = True) -> list[str]:
    """Possible names of a role, with numbers replaced."""
    start = outer if role in family.unprefixed else outer + own
    entries = [
        (family.globals | family.layer | family.unprefixed)[role],
        *(family.others.get(role, ()) if others else ()),
    ]
    return [_slot_skeleton(start) + _slot_skeleton(slot_of(entry).name) for entry in entries]


def places(family: Family, prefix: Prefix, names: Iterable[str]) -> dict[str, tuple[tuple[Key, Slot], ...]]:
    """Canonical keys and slots of every known name (a fused tensor has several).

    Parameters
    ----------
    family : the table.
    prefix : the prefix under which it is read.
    names : names of the tensors.

    Returns
    -------
    dict
        Canonical keys and slots by name.
    """
    outer, own = prefix
    by_skeleton: dict[str, list[tuple[int, str, Slot, tuple[str, ...]]]] = {}
    tables = [(0, outer + own, family.globals), (0, outer, family.unprefixed)]
    tables += [(n, outer + own, stack) for n, stack in enumerate((family.layer, *family.stacks))]
    tables.append((0, outer + own, dict(family.also)))
    for stack, start, table in tables:
        for role, entry in table.items():
            slot = slot_of(entry)
            marks = tuple(_PLACE.findall(start + slot.name))
            by_skeleton.setdefault(_slot_skeleton(start + slot.name), []).append((stack, role, slot, marks))
    layers, names = [0] * (1 + len(family.stacks)), [*names]

    def found() -> Iterator[tuple[str, int, str, Slot, int | None, int | None]]:
        for name in names:
            for stack, role, slot, marks in by_skeleton.get(NUMBER.sub("\0", name), ()):
                for layer, expert in _counted(marks, NUMBER.findall(name)):
                    yield name, stack, role, slot, layer, expert

    for _, stack, _, _, layer, _ in found() if family.stacks else ():
        layers[stack] = max(layers[stack], 0 if layer is None else layer + 1)
    keys: dict[str, tuple[tuple[Key, Slot], ...]] = {}
    for name, stack, role, slot, layer, expert in found():
        place = None if layer is None else sum(layers[:stack]) + layer
        keys[name] = (*keys.get(name, ()), ((role, place, expert), slot))
    return keys


def inside_layers(family: Family, prefix: Prefix) -> re.Pattern[str]:
    """Pattern of names inside the layers that a family reads, which excludes those of another tower."""
    start = "".join(prefix)
    stems = {
        (start + slot_of(entry).name).partition("{i}.")[0]
        for table in (family.layer, *family.stacks)
        for entry in table.values()
    }
    return re.compile("(?:" + "|".join(map(re.escape, sorted(stems))) + r")[0-9]{1,6}\.")


def _counted(marks: tuple[str, ...], numbers: list[str]) -> Iterator[tuple[int | None, int | None]]:
    """Layer and expert, if the fixed numbers in the name agree."""
    counts: dict[str, int] = {}
    for mark, number in zip(marks, numbers, strict=True):
        if mark[0] == "{":
            counts[mark] = int(number)
        elif int(mark) != int(number):
            return
    yield counts.get("{i}"), counts.get("{e}")


def _slot_skeleton(name: str) -> str:
    return _PLACE.sub("\0", name)
