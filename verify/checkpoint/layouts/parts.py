"""The parts that one file holds: towers, encoders, copies; which tables understand which, and what nothing does.

A part is told by what its tensors' names begin with. Which part is the main one, and what kind each is, follows from
names, shapes and ``config.json``, before any number of a tensor is read.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from math import prod
from typing import Any

from pydantic import Field

from ...base import CheckpointError, Record
from .describe import configured, numbers
from .families import FAMILIES
from .infer import HINT, infer
from .layout import Family, Slot, slot_of
from .naming import NUMBER, Key, Prefix, Skeletons, every_prefix, places, settled

MOST_PARTS = 32
"""Understood parts of one file; no published model has a third as many."""
MOST_GROUPS = 64
"""Groups of tensors not understood that are named; the smallest beyond are counted together."""
OTHERS = "all others"
"""Name of the group of what is counted together."""
OUTSIDE = "no prefix"
"""Name of the group of tensors whose names have no beginning."""
_INSIDE = "inside "
_BESIDE = "beside "

_KINDS = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("EMA copy", r"(^|_)ema(_|\d|$)"),
        ("draft layers", r"(^|_)(mtp|draft|nextn|eagle|medusa)(_|\d|$)"),
        ("adapter", r"(^|_)(lora|adapters?)(_|$)"),
        ("projector", r"projector|connector|aligner|resampler|(^|_)(merger|mm_proj|multi_modal_proj|modality_proj)"),
        ("image tower", r"vision|visual|image|(^|_)(vit|img)(_|$)"),
        ("audio tower", r"audio|speech|sound|whisper"),
        ("text encoder", r"text_enc|cond_stage|conditioner"),
        ("denoiser", r"diffusion|denois|(^|_)unet"),
        ("autoencoder", r"(^|_)vae(_|$)|first_stage|autoencoder"),
        ("language model", r"language|(^|_)(llm|text)(_|$)|^lm_head"),
        ("decoder", r"^(\w+_)?decoder$"),
        ("encoder", r"^(\w+_)?encoder$"),
    )
)
KINDS = (*(kind for kind, _ in _KINDS), "encoder and decoder", "other")
"""Everything that a part may be called."""
COPIES = ("EMA copy", "draft layers")
"""Kinds that are never the main part beside another."""
_OVER_TABLE = ("EMA copy", "draft layers", "image tower", "audio tower", "text encoder")
"""Kinds that a name tells against what the table is usually of."""
_WRAPPERS = ("model", "module", "transformer", "base_model")
_DEEPEST = 3  # sections inside sections of config.json


class Part(Record):
    """One part of a model: tensors whose names begin alike, of one table, or of none."""

    name: str
    """What their names begin with, or ``whole``."""
    kind: str
    """In plain words: language model, image tower, text encoder, and so on."""
    family: str = ""
    """Table that understands it; empty where none does."""
    numbers: int = Field(ge=0)
    """Stored numbers: entries of tensors, of packed ones when unpacked. Constants are no part."""
    tensors: int = Field(ge=0)


@dataclass(frozen=True)
class Fit:
    """A table and the tensors that it understands."""

    family: Family
    prefix: Prefix
    root: str
    """What all names inside layers begin with."""
    kind: str
    keys: Mapping[str, Sequence[tuple[Key, Slot]]]
    """Canonical keys by tensor name."""
    config: dict[str, Any]
    """What ``config.json`` says of this part."""
    declared: bool
    """Whether ``config.json`` names the table for this part."""
    asked: bool = False
    """Whether the table was asked for by whoever asks."""
    notes: frozenset[str] = frozenset()
    """What of it was found otherwise than ``config.json`` says, in sentences."""


@dataclass(frozen=True)
class Territory:
    """A part with all its tensors."""

    fit: Fit
    outside: tuple[str, ...]
    """Understood, and compared by no test."""
    unrecognised: tuple[str, ...]
    """Among them, and not understood."""
    part: Part


@dataclass(frozen=True)
class Division:
    """A file's tensors, divided."""

    territories: tuple[Territory, ...]
    """The main part first, the others by name."""
    groups: Mapping[str, tuple[str, ...]]
    """Tensors that nothing understands, those inside an understood part included, by the group they are in."""
    parts: tuple[Part, ...]
    """Of everything: understood parts in the order of territories, then groups by name."""
    starts: Mapping[str, str]
    """What the names of a part's tensors begin with, by its name."""


def understood(
    name: str, shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any], layout: Family | None = None
) -> list[Fit]:
    """The parts of a checkpoint that tables understand, the main one first.

    Of several tables that claim the same tensors, the one that ``config.json`` names for the part counts, then the
    one that understands most. The main part is the one of most numbers that is no copy or draft of another.

    Parameters
    ----------
    name : of the checkpoint, for messages.
    shapes : stored shape by tensor name.
    config : ``config.json``.
    layout : the table of the main part, whatever names and ``config.json`` say.

    Raises
    ------
    CheckpointError
        If the layout asked for does not fit, two tables understand the same tensors equally well, there are more than
        :data:`MOST_PARTS`, or nothing can be told or inferred.
    """
    declared = config.get("model_type") or ""
    what = f"The layout of {name} (model_type {declared!r:.60}, {len(shapes)} tensors) is not understood"
    fits = _disjoint(_candidates(shapes, config, layout, what), what)
    refusal: CheckpointError | None = None
    if not fits:
        try:
            fits = [_inferred(shapes, config)]
        except CheckpointError as error:
            refusal = error
    if refusal is not None or fits[0].family.name != "inferred":
        fits += _guessed(divide(_in_order(fits, shapes), shapes).groups, shapes, config)
    if not fits:
        raise CheckpointError(f"{what}: {refusal}; {HINT}.")
    if len(fits) > MOST_PARTS:
        raise CheckpointError(
            f"{name} holds {len(fits)} parts that each are a model, more than {MOST_PARTS}; give one file for each."
        )
    return _with_heads(_in_order(fits, shapes), shapes)


def kind_of(name: str) -> tuple[str | None, str]:
    """Kind of a tensor as the words of its name tell, None where none does; and what tensors like it begin with."""
    words = _words(name)
    for i, word in enumerate(words):
        if (kind := _kind_of_word(word)) is not None:
            return kind, ".".join(words[: i + 1])
    return None, ".".join(words[: 2 if words[:1] and words[0] in _WRAPPERS else 1]) or OUTSIDE


def _words(name: str) -> list[str]:
    """The parts of a tensor's name before its own and before any number."""
    words = name.split(".")[:-1]
    return words[: next((i for i, word in enumerate(words) if word.isdecimal()), len(words))]


def _kind_of_word(word: str) -> str | None:
    return next((kind for kind, pattern in _KINDS if pattern.search(word.lower())), None)


# ---- which tables fit where


def _candidates(
    shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any], layout: Family | None, what: str
) -> list[Fit]:
    """Every table at every prefix under which its required tensors are, the layout asked for first."""
    present, ordered, sections = Skeletons(shapes), sorted(shapes), list(_sections(config))
    found: list[Fit] = []
    if layout is not None:
        asked = every_prefix(layout, present)
        if len(asked) != 1:
            lacking = (
                "fits it under several prefixes" if asked else f"needs {', '.join(layout.required)}, not all present"
            )
            raise CheckpointError(f"{what}: {layout.name} {lacking}; correct the layout file.")
        found.append(replace(_fit(layout, asked[0], ordered, config, sections), asked=True))
    for family in FAMILIES:
        tables = [(family, True), (_by_head(family), True), (family, False)]
        at = {(table, sure): every_prefix(one, present, sure) for table, (one, sure) in enumerate(tables)}
        if (most := max(map(len, at.values()))) > MOST_PARTS:
            raise CheckpointError(
                f"{what}: {family.name} fits it under {most} prefixes, more than {MOST_PARTS} models in one; give "
                "one file for each."
            )
        known = set[Prefix]()
        for (table, sure), prefixes in at.items():
            for prefix in prefixes:
                one = settled(tables[table][0], prefix, present) if sure else family
                fit = _fit(one, prefix, ordered, config, sections)
                tied = fit.config.get("tie_word_embeddings", family.tied) is True
                sound = fit.declared and (tied or one.unprefixed == family.unprefixed)
                if prefix not in known and (sound if sure else family.by_names and _reads_every_layer(fit)):
                    known.add(prefix)
                    found.append(fit)
    return found


def _by_head(family: Family) -> Family:
    """The same family where the one tied matrix is stored under the name of the head alone."""
    if "unembed" not in family.unprefixed or "embed" not in family.globals:
        return family
    inside = {role: entry for role, entry in family.globals.items() if role != "embed"}
    return replace(family, globals=inside, unprefixed={"embed": family.unprefixed["unembed"]})


def _reads_every_layer(fit: Fit) -> bool:
    """Whether each layer has an MLP that the table knows: one that reads some layers only is not this model's."""
    keys = [key for found in fit.keys.values() for key, _ in found]
    layers = {layer for _, layer, _ in keys if layer is not None}
    return layers == {layer for role, layer, _ in keys if role in ("down", "expert_down")}


def _fit(
    family: Family,
    prefix: Prefix,
    ordered: Sequence[str],
    config: Mapping[str, Any],
    sections: Sequence[tuple[str, Mapping[str, Any]]],
) -> Fit:
    """A table at a prefix, with what it claims and what ``config.json`` says of it."""
    outer, own = prefix
    root = (outer + own).partition("{")[0]
    kind = family.kind
    for word in root.split("."):
        told = _kind_of_word(word)
        if told in _OVER_TABLE and kind not in COPIES:
            kind = told
    said = _said(family, root, family.kind if kind in COPIES else kind, config, sections)
    said = numbers(family, said)
    table = configured(family, said)
    keys = places(table, prefix, _beginning(ordered, outer))
    return Fit(table, prefix, root, kind, keys, said, said.get("model_type") in family.model_types)


def _sections(config: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Objects inside ``config.json`` with their names, the outer ones first."""
    inner = [(key, value) for key, value in config.items() if isinstance(value, dict)]
    yield from inner
    if depth < _DEEPEST:
        for _, value in inner:
            yield from _sections(value, depth + 1)


def _said(
    family: Family,
    root: str,
    kind: str,
    config: Mapping[str, Any],
    sections: Sequence[tuple[str, Mapping[str, Any]]],
) -> dict[str, Any]:
    """What ``config.json`` says of a part: its section, and around it, for the part that works on text, the rest."""
    words, best, section = root.split("."), (False, False, False), None
    for key, value in sections:
        inner = key.removesuffix("_config")
        other = _kind_of_word(inner) or ""
        named = inner in words
        alike = _sense(other) == _sense(kind) or key == family.section
        declares = value.get("model_type") in family.model_types and (alike or not other)
        if (found := (named, declares, alike)) > best:
            best, section = found, value
    if section is None:
        return dict(config)
    around = config if _sense(kind) == "text" else {}
    return dict(around) | {key: value for key, value in section.items() if value is not None}


def _sense(kind: str) -> str:
    return "text" if kind in ("language model", "text encoder", "encoder and decoder") else kind


def _beginning(ordered: Sequence[str], start: str) -> Sequence[str]:
    """Of names in order, those that begin so."""
    return ordered[bisect_left(ordered, start) : bisect_left(ordered, start + chr(0x10FFFF))]


def _disjoint(found: Iterable[Fit], what: str) -> list[Fit]:
    """Fits of which no two claim one tensor: first the layout asked for, then what is declared, then the largest.

    Raises
    ------
    CheckpointError
        If nothing tells two of them apart.
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
            raise CheckpointError(f"{what}: several tables fit it ({tables}); name one by --layout, or {HINT}.")
    return kept


def _inferred(shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any], group: str = "") -> Fit:
    """A table inferred from names and shapes, of all tensors or of a group.

    Raises
    ------
    CheckpointError
        As :func:`infer`.
    """
    family = infer(shapes)
    keys = places(family, ("", ""), shapes)
    root = f"{group}." if group else "".join(f"{word}." for word in _shared(keys))
    kind = next((kind for word in reversed(root.split(".")) if (kind := _kind_of_word(word))), None)
    kind = kind or ("language model" if "embed" in family.globals else "other")
    said = numbers(family, _said(family, root, kind, config, list(_sections(config))))
    return Fit(family, ("", ""), root, kind, keys, said, False)


def _shared(names: Iterable[str]) -> list[str]:
    """The words that all names begin with."""
    words = sorted(_words(name) for name in names)
    return [low for low, high in takewhile(lambda pair: pair[0] == pair[1], zip(words[0], words[-1], strict=False))]


def _guessed(
    groups: Mapping[str, Sequence[str]], shapes: Mapping[str, tuple[int, ...]], config: Mapping[str, Any]
) -> list[Fit]:
    """What can be inferred of the groups that no table understands."""
    fits = []
    for group, names in groups.items():
        if group not in (OTHERS, OUTSIDE) and not group.startswith((_INSIDE, _BESIDE)) and len(names) < len(shapes):
            try:
                fits.append(_inferred({name: shapes[name] for name in names}, config, group))
            except CheckpointError:
                continue  # it stays a group
    return fits


# ---- whose each tensor is


def divide(fits: Sequence[Fit], shapes: Mapping[str, tuple[int, ...]]) -> Division:
    """Every tensor's part, the first being the main one; what is neither placed nor near a part makes groups."""
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
            kind, group = None, _INSIDE + owner.name
        else:
            kind, start = kind_of(tensor)
            group = f"{_BESIDE}{start}" if start in taken or start.startswith((_INSIDE, _BESIDE)) else start
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
    starts |= {_INSIDE + name: root for name, root in roots.items()} | roots | {OTHERS: ""}
    return Division(
        tuple(territories),
        {group: tuple(names) for group, names in groups.items()},
        (*(territory.part for territory in territories), *unknown),
        starts,
    )


def _in_order(fits: Sequence[Fit], shapes: Mapping[str, tuple[int, ...]]) -> list[Fit]:
    """The main part first: the one asked for, else the largest that is no copy or draft."""

    def order(fit: Fit) -> tuple[bool, bool, int, str, str]:
        placed = sum(prod(shapes[tensor]) for tensor in fit.keys)
        return not fit.asked, fit.kind in COPIES, -placed, fit.root, fit.family.name

    return sorted(fits, key=order)


@dataclass(frozen=True)
class _Land:
    """Which tensors without a place lie inside a part."""

    fit: Fit
    name: str
    used: frozenset[str]
    """First words, behind the root, of what the table understands."""
    patterns: tuple[re.Pattern[str], ...]

    def leaves_out(self, tensor: str) -> bool:
        """Whether it is understood and compared by no test."""
        outer = self.fit.prefix[0]
        names = {tensor, tensor.removeprefix(outer)} if tensor.startswith(outer) else ()
        return any(pattern.search(name) for pattern in self.patterns for name in names)

    def holds(self, tensor: str) -> bool:
        """Whether its name begins as theirs do, and does not go on to name something else."""
        root = self.fit.root
        if not tensor.startswith(root):
            return False
        rest = tensor[len(root) :]
        if rest.partition(".")[0] in self.used or self.leaves_out(tensor):
            return True
        return self._alike(rest) and (self._told or not NUMBER.search(rest))

    def heads(self, tensor: str) -> bool:
        """Whether it is a head: beside the part, in no layer, of no other kind; of a part that is no mere tower."""
        inner = self._told and _sense(self.fit.kind) != "text"
        return self.leaves_out(tensor) or (not inner and self._alike(tensor) and not NUMBER.search(tensor))

    @property
    def _told(self) -> bool:
        """Whether the part's own names tell its kind."""
        return any(_kind_of_word(word) for word in self.fit.root.split("."))

    def _alike(self, name: str) -> bool:
        told = kind_of(name)[0]
        return told is None or _sense(told) == _sense(self.fit.kind)


def _lands(fits: Sequence[Fit]) -> list[_Land]:
    """The land of each part, under a name that no other has."""
    roots = [fit.root.rstrip(".") or "whole" for fit in fits]
    lands = []
    for fit, root in zip(fits, roots, strict=True):
        start = len(fit.root)
        used = frozenset(tensor[start:].partition(".")[0] for tensor in fit.keys if tensor.startswith(fit.root))
        name = root if roots.count(root) == 1 else f"{root} ({fit.family.name})"
        lands.append(_Land(fit, name, used, tuple(re.compile(pattern) for pattern in fit.family.outside)))
    return lands


def _with_heads(fits: Sequence[Fit], shapes: Mapping[str, tuple[int, ...]]) -> list[Fit]:
    """The unembedding of a part inside a wrapper may lie outside it, beside the wrapper or in it."""
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


def _bounded(groups: dict[str, list[str]], sizes: Mapping[str, int]) -> dict[str, list[str]]:
    """The groups by name, the smallest beyond the most that are named counted together."""
    order = sorted(groups, key=lambda group: (-sum(sizes[name] for name in groups[group]), group))
    rest = [name for group in order[MOST_GROUPS:] for name in groups[group]]
    kept = {group: groups[group] for group in sorted(order[:MOST_GROUPS])}
    return kept | ({OTHERS: sorted(rest)} if rest else {})
