"""Give the tensors of a tool the names, rows and settings that they have on the Hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...base import DamagedError, HostileError, Phrase
from ..canonical import CanonicalTensor, part_of
from ..formats.rotary import rows_of_pairs
from ..formats.safetensors_file import StoredTensor
from ..formats.tensor import Indexer, Tensor, in_rows
from ..fused import BY_HEADS
from ..hostile import count
from ..layouts.describe import HEAD_SIZES, HEADS
from ..layouts.layout import Slot, slot_of
from ..layouts.naming import NUMBER, Key, Prefix, Skeletons, every_prefix, places, settled
from ..source import Source
from .dialect import Dialect
from .settings import settings
from .tools import DIALECTS

_MOST_TENSORS = 1 << 18
_MOST_SETTINGS = 256
_PAIRED = re.compile(r"\.[qk]_proj\.(weight|bias)$")
"""Tensors on the Hub whose rows positions turn in pairs."""


@dataclass(frozen=True)
class Translated:
    """Some rows of a stored tensor, in the order that they have on the Hub."""

    part: CanonicalTensor
    order: NDArray[np.intp] | None
    """Row of the part for each row here; None if they are the same."""

    is_out_in = True

    @property
    def name(self) -> str:
        """Name in the file."""
        return self.part.tensor.name

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.part.tensor.file

    @property
    def dtype(self) -> str:
        """Name of the stored type."""
        return self.part.tensor.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        return self.part.shape

    @property
    def notes(self) -> tuple[Phrase, ...]:
        """Those of the stored tensor."""
        return self.part.tensor.notes

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as stored numbers."""
        if self.order is None:
            found = self.part.read(rows)
        else:
            chosen, back = np.unique(self.order if rows is None else self.order[rows], return_inverse=True)
            found = self.part.read(chosen)[back]
        return found if columns is None else found[:, columns]

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns in the file."""
        size = self.part.nbytes(rows)
        if columns is None:
            return size
        width = self.shape[1]
        return -(-size * len(np.arange(width)[columns]) // max(1, width))

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes of the numbers, row by row, in blocks."""
        return in_rows(self)


def translated(source: Source, found: Mapping[str, Tensor]) -> tuple[Source, dict[str, Tensor]]:
    """The tensors by their names on the Hub, if a tool's dialect is recognised, and the source with its settings.

    Parameters
    ----------
    source : the files.
    found : their tensors by name.

    Returns
    -------
    tuple
        The source, with the tool's settings in the terms of ``config.json`` if it has none, and the tensors; both
        unchanged if no dialect applies.

    Raises
    ------
    CheckpointError
        If the tool's settings are damaged, or do not fit the tensors.
    """
    whole, notes = Skeletons(found), list[Phrase]()
    for dialect in DIALECTS:
        tensors = layer_by_layer(dialect, found, whole) if dialect.in_one else found
        present = whole if tensors is found else Skeletons(tensors)
        prefixes = every_prefix(dialect.table, present)
        if not prefixes:
            continue
        config = _config(dialect, source)
        if config is None:
            notes += _not_followed(dialect, source)
            continue
        constants = [re.compile(pattern) for pattern in dialect.constants]
        result = {name: one for name, one in tensors.items() if not any(c.search(name) for c in constants)}
        under = _by_prefix(result, prefixes)
        for prefix in prefixes:
            known = places(settled(dialect.table, prefix, present), prefix, under["".join(prefix)])
            if not all(_is_tall(tensors[name], keys, dialect) for name, keys in known.items()):
                return source, dict(found)
            for stored, keys in known.items():
                tensor = result.pop(stored)
                for (hub, layer, expert), slot in keys:
                    name = prefix[0] + hub.replace("{i}", f"{layer}").replace("{e}", f"{expert}")
                    if name in result:
                        raise DamagedError(
                            f"Tensor {name!r:.200} is stored under that name and as {stored!r:.200}; expected one "
                            "of them."
                        )
                    result[name] = _translated(tensor, slot, hub, dialect, config)
        return replace(source, config=config), result
    return replace(source, notes=(*source.notes, *notes)), dict(found)


def layer_by_layer(dialect: Dialect, found: Mapping[str, Tensor], present: Skeletons) -> Mapping[str, Tensor]:
    """The tensors, with those that hold all layers along their first axis replaced by one for each layer.

    Parameters
    ----------
    dialect : the tool's names.
    found : tensors by name.
    present : their names.

    Returns
    -------
    mapping
        Tensors by name; ``found`` itself if none holds all layers.

    Raises
    ------
    HostileError
        If there would be more than 2**18 tensors.
    """
    entries = (*dialect.names.values(), *(place for places in dialect.others.values() for place in places))
    numbered = {slot_of(entry).name for entry in entries if ".{i}." in slot_of(entry).name}
    result: dict[str, Tensor] = {}
    held = set[str]()
    for name in sorted(numbered):
        flat = name.replace(".{i}.", ".")
        for start in (*([""] if flat in present else []), *present.before(flat)):
            tensor = found.get(start + flat)
            if not isinstance(tensor, StoredTensor) or len(tensor.shape) < 2:
                continue
            if len(found) + len(result) + tensor.shape[0] > _MOST_TENSORS:
                raise HostileError(
                    f"Tensor {tensor.name!r:.200} of shape {tensor.shape} is one of those that hold all layers, of "
                    f"more than {_MOST_TENSORS} tensors together; expected a model."
                )
            held.add(start + flat)
            result |= {start + name.replace("{i}", f"{i}"): tensor.entry(i) for i in range(tensor.shape[0])}
    return {name: tensor for name, tensor in found.items() if name not in held} | result if held else found


def _is_tall(tensor: Tensor, keys: Sequence[tuple[Key, Slot]], dialect: Dialect) -> bool:
    """Whether a matrix that tells the dialect by its shape has more rows than columns; true of all others."""
    shape = tensor.shape
    return not any(hub in dialect.tall and (len(shape) != 2 or shape[0] <= shape[1]) for (hub, _, _), _ in keys)


def _by_prefix(names: Iterable[str], prefixes: Iterable[Prefix]) -> dict[str, list[str]]:
    """The names that may belong to each prefix, in which numbers stand for any others: those that begin with it."""
    starts = {"".join(prefix): list[str]() for prefix in prefixes}
    lengths = sorted({start.count(".") for start in starts})
    for name in names:
        words = NUMBER.sub("\0", name).split(".")
        for length in lengths:
            start = ".".join(words[:length]) + "." * (length > 0)
            if start in starts:
                starts[start].append(name)
    return starts


def _config(dialect: Dialect, source: Source) -> dict[str, Any] | None:
    """What ``config.json`` or else the tool's own settings say of a model of this dialect; None if neither does."""
    if (declared := source.config.get("model_type")) is not None:
        return source.config if declared in dialect.model_types else None
    own = settings(source.place, dialect.settings) if dialect.settings else {}
    said = None if own is None or dialect.said is None else dialect.said(own)
    return None if said is None else source.config | said


def _not_followed(dialect: Dialect, source: Source) -> list[Phrase]:
    """That a tool's own settings are not all known, so that its names are not translated; the first such setting."""
    declared = source.config.get("model_type") is not None
    own = None if declared or not dialect.settings else settings(source.place, dialect.settings)
    if own is None or dialect.said is None or len(own) > _MOST_SETTINGS:
        return []
    said = dialect.said
    key = next((key for key in own if said({name: own[name] for name in own if name != key}) is not None), None)
    if key is None:
        return [Phrase.of("config.tool_settings", tool=dialect.name, file=dialect.settings[0])]
    return [Phrase.of("config.tool_setting", tool=dialect.name, file=dialect.settings[0], key=key[:80])]


def _translated(tensor: Tensor, slot: Slot, hub: str, dialect: Dialect, config: dict[str, Any]) -> Tensor:
    """One tensor of the Hub: a stored one, or some of its rows."""
    paired = dialect.pairs and _PAIRED.search(hub)
    plain = slot == Slot(slot.name) and not (paired or dialect.out_in)
    if plain or (slot.transposed and len(tensor.shape) != 2):
        return tensor
    heads, kv_heads = _heads(tensor, dialect, config) if paired or slot.fused in BY_HEADS else (1, 1)
    part = part_of(tensor, slot, heads, kv_heads)
    if not paired:
        return Translated(part, None)
    of_them = heads if "q_" in hub else kv_heads
    rows, size = (part.shape or (1,))[0], count(config, *HEAD_SIZES) or (count(config, "hidden_size") or 0) // heads
    if size % 2 or rows != of_them * size:
        raise DamagedError(
            f"{tensor.name!r:.200} has {rows} rows; expected those of {of_them} heads of {size}, which rotate in "
            "pairs; correct the model's settings."
        )
    return Translated(part, rows_of_pairs(rows, of_them))


def _heads(tensor: Tensor, dialect: Dialect, config: dict[str, Any]) -> tuple[int, int]:
    """Heads and kv heads, by which rows are put in order."""
    heads = count(config, *HEADS) or 0
    kv_heads = count(config, "num_key_value_heads", default=heads) or 0
    if not heads or not kv_heads or heads % kv_heads:
        raise DamagedError(
            f"{heads} heads cannot share {kv_heads} kv heads, so the rows of {tensor.name!r:.200}, a name of "
            f"{dialect.name}, cannot be put in order; correct the model's settings."
        )
    return heads, kv_heads
