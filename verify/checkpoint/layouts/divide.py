"""Divide the tensors of one model into parts (towers, encoders, copies) and groups that no table knows.

A part is recognised by the prefix of its tensors' names. The main part, and the kind of each, follow from names,
shapes and ``config.json``, before any entry of a tensor is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import NamedTuple

from pydantic import Field

from ...base import Record
from .fit import Fit
from .kinds import COPIES, OUTSIDE, kind_of, kind_of_word, sense
from .naming import NUMBER

MOST_GROUPS = 64
"""Largest number of named groups of unknown tensors; the smallest beyond are counted together."""
OTHERS = "all others"
"""Name of the group of tensors counted together."""
INSIDE = "inside "
BESIDE = "beside "


class Part(Record):
    """One part of a model: tensors with a common prefix, read by one table or by none."""

    name: str
    """The prefix, or ``whole``."""
    kind: str
    """In words: language model, image tower, text encoder, and so on."""
    family: str = ""
    """Name of the table that reads it; empty if none does."""
    numbers: int = Field(ge=0)
    """Stored numbers: entries of its tensors, after unpacking; constants are not counted."""
    tensors: int = Field(ge=0)


class Territory(NamedTuple):
    """A part with all its tensors."""

    fit: Fit
    outside: tuple[str, ...]
    """Tensors understood but compared by no test."""
    unrecognised: tuple[str, ...]
    """Tensors inside the part that the table does not know."""
    part: Part


class Division(NamedTuple):
    """The tensors of a model, divided into parts."""

    territories: tuple[Territory, ...]
    """The main part first, the others by name."""
    groups: Mapping[str, tuple[str, ...]]
    """Tensors that no table knows, by group, those inside an understood part included."""
    parts: tuple[Part, ...]
    """All parts: understood ones in the order of territories, then groups by name."""
    starts: Mapping[str, str]
    """Prefix of the tensor names of each part, by its name."""


def divide(fits: Sequence[Fit], shapes: Mapping[str, tuple[int, ...]]) -> Division:
    """Assign every tensor to a part, the main one first; tensors that belong to none form groups."""
    sizes = {tensor: prod(shape) for tensor, shape in shapes.items()}
    lands = _lands(fits)
    nearest = sorted(lands, key=lambda land: -len(land.fit.root))
    constants = [re.compile(pattern) for land in lands for pattern in land.fit.family.constants]
    placed = {tensor for land in lands for tensor in land.fit.keys}
    outside: dict[str, list[str]] = {land.name: [] for land in lands}
    strange: dict[str, list[str]] = {land.name: [] for land in lands}
    groups: dict[str, list[str]] = {}
    kinds: dict[str, str] = {}
    starts: dict[str, str] = {}
    taken = {OTHERS, *(land.name for land in lands)}
    for tensor in sorted(shapes):
        if tensor in placed or any(pattern.search(tensor) for pattern in constants):
            continue
        owner = next((land for land in nearest if land.holds(tensor)), None)
        if owner is None and lands and lands[0].heads(tensor):
            owner = lands[0]
        if owner is not None and owner.leaves_out(tensor):
            outside[owner.name].append(tensor)
            continue
        if owner is not None:
            strange[owner.name].append(tensor)
            kind, group = None, INSIDE + owner.name
        else:
            kind, start = kind_of(tensor)
            group = f"{BESIDE}{start}" if start in taken or start.startswith((INSIDE, BESIDE)) else start
            starts[group] = "" if start == OUTSIDE else f"{start}."
        kinds[group] = kind or "other"
        groups.setdefault(group, []).append(tensor)
    groups = _bounded(groups, sizes)
    territories = []
    for land in (*lands[:1], *sorted(lands[1:], key=lambda land: land.name)):
        names = (*land.fit.keys, *outside[land.name])
        part = Part(
            name="whole" if len(lands) == 1 and not groups else land.name,
            kind=land.fit.kind,
            family=land.fit.family.name,
            numbers=sum(sizes[name] for name in names),
            tensors=len(names),
        )
        territories.append(Territory(land.fit, tuple(outside[land.name]), tuple(strange[land.name]), part))
    unknown = (
        Part(name=group, kind=kinds.get(group, "other"), numbers=sum(sizes[n] for n in names), tensors=len(names))
        for group, names in groups.items()
    )
    roots = {territory.part.name: territory.fit.root for territory in territories}
    starts |= {INSIDE + name: root for name, root in roots.items()} | roots | {OTHERS: ""}
    return Division(
        tuple(territories),
        {group: tuple(names) for group, names in groups.items()},
        (*(territory.part for territory in territories), *unknown),
        starts,
    )


def in_order(fits: Sequence[Fit], shapes: Mapping[str, tuple[int, ...]]) -> list[Fit]:
    """The parts, the main one first: the one asked for, else the largest that is no copy or draft."""

    def order(fit: Fit) -> tuple[bool, bool, int, str, str]:
        placed = sum(prod(shapes[tensor]) for tensor in fit.keys)
        return not fit.asked, fit.kind in COPIES, -placed, fit.root, fit.family.name

    return sorted(fits, key=order)


class _Land(NamedTuple):
    """Decides which unknown tensors lie inside a part."""

    fit: Fit
    name: str
    used: frozenset[str]
    """First words, after the root, of the names that the table knows."""
    patterns: tuple[re.Pattern[str], ...]

    def leaves_out(self, tensor: str) -> bool:
        """Whether a tensor is understood but compared by no test."""
        outer = self.fit.prefix[0]
        names = {tensor, tensor.removeprefix(outer)} if tensor.startswith(outer) else ()
        return any(pattern.search(name) for pattern in self.patterns for name in names)

    def holds(self, tensor: str) -> bool:
        """Whether a tensor's name has the part's prefix and does not name another kind after it."""
        root = self.fit.root
        if not tensor.startswith(root):
            return False
        rest = tensor[len(root) :]
        if rest.partition(".")[0] in self.used or self.leaves_out(tensor):
            return True
        return self._alike(rest) and (self._told or not NUMBER.search(rest))

    def heads(self, tensor: str) -> bool:
        """Whether a tensor is a head of the part: beside it, in no layer, of no other kind; towers have no heads."""
        inner = self._told and sense(self.fit.kind) != "text"
        return self.leaves_out(tensor) or (not inner and self._alike(tensor) and not NUMBER.search(tensor))

    @property
    def _told(self) -> bool:
        """Whether the names of the part tell its kind."""
        return any(kind_of_word(word) for word in self.fit.root.split("."))

    def _alike(self, name: str) -> bool:
        told = kind_of(name)[0]
        return told is None or sense(told) == sense(self.fit.kind)


def _lands(fits: Sequence[Fit]) -> list[_Land]:
    """The land of each part, by its unique name."""
    roots = [fit.root.rstrip(".") or "whole" for fit in fits]
    lands = []
    for fit, root in zip(fits, roots, strict=True):
        start = len(fit.root)
        used = frozenset(tensor[start:].partition(".")[0] for tensor in fit.keys if tensor.startswith(fit.root))
        name = root if roots.count(root) == 1 else f"{root} ({fit.family.name})"
        lands.append(_Land(fit, name, used, tuple(re.compile(pattern) for pattern in fit.family.outside)))
    return lands


def _bounded(groups: dict[str, list[str]], sizes: Mapping[str, int]) -> dict[str, list[str]]:
    """The groups by name; beyond the largest number of names, the smallest are counted together."""
    order = sorted(groups, key=lambda group: (-sum(sizes[name] for name in groups[group]), group))
    rest = [name for group in order[MOST_GROUPS:] for name in groups[group]]
    kept = {group: groups[group] for group in sorted(order[:MOST_GROUPS])}
    return kept | ({OTHERS: sorted(rest)} if rest else {})
