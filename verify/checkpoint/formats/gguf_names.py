"""Names of the original model for those of llama.cpp: of a family's table, as the ``gguf`` package maps them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain

from ...base import DamagedError, UnsupportedError
from ..layouts.families import FAMILIES
from ..layouts.layout import Family, slot_of
from ..places.place import File
from .gguf_conversions import CONVERSIONS, Conversion, within
from .gguf_file import GgufTensor, package

_ENDINGS = (".weight", ".bias")
_MOST_EXPERTS = 1 << 14


def conversion_of(file: File, architecture: object, mixture: bool) -> Conversion:
    """The conversion of an architecture.

    Parameters
    ----------
    file : for messages.
    architecture : as the file names it.
    mixture : whether it has experts.

    Raises
    ------
    UnsupportedError
        If it is not known.
    """
    known = str(architecture)
    conversion = CONVERSIONS.get("llama with experts" if mixture and known == "llama" else known)
    if conversion is None or " " in known:
        raise UnsupportedError(
            f"{file.name} is of the architecture {architecture!r:.60}, whose conversion is not "
            "known exactly (docs/formats.md names those that are read); give the model as safetensors."
        )
    return conversion


def original_names(file: File, architecture: str, conversion: Conversion, stored: frozenset[str]) -> dict[str, str]:
    """Original name of each stored one, both with ``{i}`` for the layer and, in the original, ``{e}`` for the expert.

    Of the tables of the model type, and of the prefixes that a table allows, the one counts that explains most of
    what is stored. What no table names may be known to be outside of it.

    Parameters
    ----------
    file : for messages.
    architecture : as the file names it.
    conversion : of that architecture.
    stored : names in the file, with ``{i}`` for the layer.
    """
    gguf = package()
    numbers = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}
    if architecture not in numbers:
        raise UnsupportedError(
            f"{file.name} is of the architecture {architecture!r}, which the installed gguf package is too old to "
            "know; update that package."
        )
    told = {key: name for key, (_, name) in gguf.get_tensor_name_map(numbers[architecture], 1).mapping.items()}
    families = FAMILIES.of_types([conversion.model_type])
    tables: list[dict[str, str]] = [_table(family, prefix, told) for family in families for prefix in family.prefixes]
    found = dict(max(tables, key=lambda table: len(stored.intersection(table.keys()))))
    outside = [pattern for family in families for pattern in (*family.outside, *family.constants)]
    for key, name in told.items():
        for ending in ("", *_ENDINGS):
            if any(re.search(pattern, key + ending) for pattern in outside):
                found.setdefault(template(name) + ending, key.replace(".0.", ".{i}.", 1) + ending)
    for pattern, module in conversion.left.items():
        left = [name for name in stored if re.fullmatch(pattern, within(name))]
        found |= {name: f"model.layers.{{i}}.{module}.{within(name)}" for name in left}
    return found


def _table(family: Family, prefix: str, told: Mapping[str, str]) -> dict[str, str]:
    """Original name of each stored one that a family's table names, the usual place of a role before others."""
    tables = (family.globals, family.layer, *family.stacks)
    entries = [*(entry for table in tables for entry in table.values()), *chain(*family.others.values())]
    slots = [(prefix, slot_of(entry)) for entry in entries]
    slots += [("", slot_of(entry)) for entry in family.unprefixed.values()]
    found: dict[str, str] = {}
    for before, slot in slots:
        if slot.stacked:  # stored by role, which has a place of its own among the others
            continue
        for key, ending in _as_converted(before + slot.name):
            if key in told:
                found.setdefault(template(told[key]) + ending, before + slot.name)
    return found


def _as_converted(original: str) -> Iterator[tuple[str, str]]:
    """A name as the map has it, of layer 0 and without the number of an expert, and the ending of the stored name."""
    name = original.replace("{i}", "0").replace(".{e}", "")
    for whole in (name, name.removeprefix("model.")) if "{e}" in original else (name,):
        for ending in _ENDINGS:
            if whole.endswith(ending):
                yield whole.removesuffix(ending), ending
        if whole.endswith("_bias"):
            yield whole.removesuffix("_bias"), ".bias"
        for ending in (*_ENDINGS, ""):
            yield whole, ending


def template(stored: str) -> str:
    """A stored name with ``{i}`` for the layer."""
    return re.sub(r"^((?:enc\.|dec\.)?blk)\.[0-9]+\.", r"\1.{i}.", stored)


def experts_of(stack: GgufTensor) -> Iterator[GgufTensor]:
    """The tensors of a stack, one for each expert."""
    if len(stack.shape) not in (2, 3) or stack.shape[0] > _MOST_EXPERTS:
        raise DamagedError(
            f"{stack.name!r:.200} has shape {stack.shape}; expected at most {_MOST_EXPERTS} experts, rows and "
            "columns; obtain the file again."
        )
    size = stack.size // stack.shape[0]
    for e in range(stack.shape[0]):
        factors = None if stack.factors is None else stack.factors[e : e + 1]
        yield replace(stack, shape=stack.shape[1:], offset=stack.offset + e * size, factors=factors)
