"""A checkpoint opened: canonical tensors by role, layer and expert, read as they are asked for."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..base import CheckpointError, Progress, silent
from .adapter import base_of, is_adapter, merge
from .architecture import Architecture, FileIdentity
from .choose import choose
from .describe import apart, configured, describe, fused_heads, numbers
from .formats import FORMATS
from .infer import draft_layout
from .layout import Family, Slot
from .layout_file import layout_of
from .naming import Key, Prefix, inside_layers, places, unwrapped
from .overlay import declared_bases, is_local, merged_onto
from .place import Location
from .quantised import dequantised
from .safetensors_file import StoredTensor
from .source import Source, locate
from .tensor import Chosen, Tensor
from .vocabulary import vocabulary

_log = logging.getLogger(__name__)

_MOST_EXPERTS = 1 << 14


@dataclass(frozen=True)
class Stored:
    """One canonical tensor: which stored one, and which rows of it, in ``blocks`` equal blocks."""

    tensor: Tensor
    transposed: bool
    blocks: int
    start: int
    """First row of the part in each block."""
    size: int
    """Rows of the part in each block."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Canonical shape."""
        shape = self._whole
        return (self.blocks * self.size, *shape[1:]) if shape else shape

    def read(self, rows: Chosen) -> tuple[NDArray[Any], int]:
        """The tensor, or some of its rows, as stored numbers, and the bytes that they take in the file."""
        chosen = self._places(rows)
        if self.transposed:
            return self.tensor.read(None, chosen).T, self.tensor.stored(None, chosen)
        return self.tensor.read(chosen), self.tensor.stored(chosen)

    def _places(self, rows: Chosen) -> Chosen:
        """Which rows (columns, where transposed) of the stored tensor they are."""
        whole = self._whole
        if self.blocks > 1:
            first = np.arange(self.blocks, dtype=np.intp)[:, None] * (whole[0] // self.blocks)
            places = (first + np.arange(self.start, self.start + self.size, dtype=np.intp)).ravel()
            return places if rows is None else places[rows]
        if not whole or self.size == whole[0]:
            return rows
        if rows is None:
            return slice(self.start, self.start + self.size)
        if isinstance(rows, slice):
            start, stop, step = rows.indices(self.size)
            return slice(self.start + start, self.start + max(start, stop), step)
        return self.start + rows

    @property
    def _whole(self) -> tuple[int, ...]:
        return self.tensor.shape[::-1] if self.transposed else self.tensor.shape


class Checkpoint:
    """Canonical access to the tensors of one model; make one with :func:`open_checkpoint`.

    Matrices are [out, in]: the rows of ``q k v gate up`` are units, ``o`` and ``down`` are [width, units],
    ``embed`` and ``unembed`` are [vocab, width]. Roles of routed experts begin with ``expert_`` and
    take ``expert``; those of the shared expert begin with ``shared_``.

    Attributes
    ----------
    name : folder or file name, never a path.
    architecture : Architecture
    unrecognised : names of tensors that the family's table does not understand.
    unrecognised_inside : those of them that lie inside a layer that is read.
    outside : names of tensors that are understood and not compared by any test.
    notes : what was found otherwise than the model's makers declare, in sentences; reading may add to it.
    bytes_read : bytes of weights decoded so far.
    """

    def __init__(
        self,
        source: Source,
        family: Family,
        stored: dict[Key, Stored],
        rest: dict[str, Tensor],
        layers: re.Pattern[str],
        tokens: dict[bytes, int] | None = None,
    ) -> None:
        self.name = source.name
        understood = re.compile("|".join(family.outside) or "(?!)")
        self.outside = tuple(sorted(name for name in rest if understood.search(name)))
        self.unrecognised = tuple(sorted(name for name in rest if not understood.search(name)))
        self.unrecognised_inside = tuple(name for name in self.unrecognised if layers.match(name))
        self.bytes_read = 0
        self._source, self._family, self._stored, self._rest, self._tokens = source, family, stored, rest, tokens
        shapes = {key: value.shape for key, value in stored.items()}
        self.architecture: Architecture
        self.notes: set[str]
        self.architecture, self.notes = describe(family, shapes, source.config, self.unrecognised)

    @property
    def origin(self) -> str | None:
        """Address that the model was read from; None for a path of this machine."""
        return self._source.place.origin

    @property
    def revision(self) -> str | None:
        """Commit that its files are of, where the place keeps a history."""
        return self._source.place.revision

    @property
    def local(self) -> bool:
        """Whether all its files lie on this machine."""
        return is_local(self._source.place)

    @property
    def merged_onto(self) -> str | None:
        """Name, or address and commit, of the base that this adapter was merged onto; None for a model of its own."""
        return merged_onto(self._source.place)

    @property
    def declared_bases(self) -> tuple[str, ...]:
        """Names of the models that this one was made from, as its makers declare them."""
        return declared_bases(self._source.place)

    def again(self) -> Checkpoint:
        """The same checkpoint with its own count of bytes read, from 0."""
        other = copy(self)
        other.bytes_read, other.notes = 0, set(self.notes)
        return other

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open between reads."""

    def keys(self, layer: int | None) -> list[Key]:
        """All tensors of one layer, or those outside layers, in canonical order."""
        keys = [key for key in self._stored if key[1] == layer]
        return sorted(keys, key=lambda key: (key[0], -1 if key[2] is None else key[2]))

    def has(self, role: str, layer: int | None = None, expert: int | None = None) -> bool:
        """Whether there is such a tensor."""
        return (role, layer, expert) in self._stored

    def shape(self, role: str, layer: int | None = None, expert: int | None = None) -> tuple[int, ...]:
        """Canonical shape of a tensor."""
        return self._at(role, layer, expert).shape

    def norm_before(self, sublayer: str, layer: int) -> tuple[str, int | None] | None:
        """Role and layer of the norm that feeds a sublayer, ``attn`` or ``mlp``; None if there is none."""
        key: tuple[str, int | None] = (f"norm_{'attn' if self._family.shared_norm else sublayer}", layer)
        if self._family.post_norm and sublayer == "attn":
            key = ("norm_out", layer - 1) if layer else ("norm_embed", None)
        feeds = self.has(*key) and self.shape(*key) == (self.architecture.width,)  # an embedding may be narrower
        return key if feeds else None

    def read(
        self,
        role: str,
        layer: int | None = None,
        expert: int | None = None,
        rows: Chosen = None,
    ) -> NDArray[np.float32]:
        """A canonical tensor, or some of its rows, as float32.

        Raises
        ------
        CheckpointError
            If there is no such tensor, its stored dtype cannot be read, or the file changed since it was opened.
        """
        stored = self._at(role, layer, expert)
        found, size = stored.read(rows)
        self.bytes_read += size
        self.notes.update(stored.tensor.notes)
        with np.errstate(over="ignore", invalid="ignore"):  # F64 beyond float32: non-finite, and counted
            return np.ascontiguousarray(found, dtype=np.float32)

    def raw_blocks(self, name: str) -> Iterator[bytes]:
        """A tensor that has no role: its dtype and shape, then its bytes as stored, in blocks."""
        tensor = self._rest[name]
        yield f"{tensor.dtype} {tensor.shape}".encode()
        for block in tensor.raw():
            self.bytes_read += len(block)
            yield block

    def vocabulary(self) -> dict[bytes, int] | None:
        """Token bytes to id; None where neither the folder nor a file has a tokenizer."""
        if self._tokens is not None:
            return {token: n for token, n in self._tokens.items() if n < self.architecture.vocab}
        return vocabulary(self._source.place, self.architecture.vocab)

    def files(self, *, read: bool = True, progress: Progress = silent) -> tuple[FileIdentity, ...]:
        """The weight files, ordered by name, with their sha256: as their place vouches for it, else by reading all.

        Unless ``read``, a file that no place vouches for has none.
        """
        identities = []
        for done, file in enumerate(self._source.weights, start=1):
            identities.append(FileIdentity(name=file.name, size=file.size, sha256=file.sha256(read=read)))
            progress(f"hashing {self.name}", done, len(self._source.weights))
        return tuple(identities)

    def forget(self) -> None:
        """Let go of what was kept so that an interrupted reading could go on."""
        for file in self._source.weights:
            file.forget()

    def _at(self, role: str, layer: int | None, expert: int | None) -> Stored:
        try:
            return self._stored[role, layer, expert]
        except KeyError:
            place = "".join(f", {what} {n}" for what, n in (("layer", layer), ("expert", expert)) if n is not None)
            raise CheckpointError(f"{self.name} has no tensor for `{role}`{place}; ask `has` first.") from None


def open_checkpoint(model: str | os.PathLike[str] | Location) -> Checkpoint:
    """Open a model where it lies, an adapter with its base; only headers and small files are read.

    Raises
    ------
    CheckpointError
        If it is missing, damaged, hostile, a pickle, or of an architecture that is not understood.
    """
    location = Location.of(model)
    source, found, tokens = _held(location)
    if (base := base_of(location, source, found)) is not None:
        under, weights, tokens = _held(base)
        source, found = merge(source, found, under, weights)
    asked = None if location.layout is None else layout_of(location.layout)
    family, prefix = choose(source.name, {name: t.shape for name, t in found.items()}, source.config, asked)
    config = numbers(family, source.config)
    family = configured(family, config)
    source = replace(source, config=config)
    family, notes = apart(family, places(family, prefix, found), found, config)
    stored, rest = _match(family, prefix, found, config)
    said = config.get("tie_word_embeddings")
    tied = family.tied if said is None else said is True
    stale = stored.pop(("unembed", None, None), None) if tied else None  # the model uses embed
    checkpoint = Checkpoint(source, family, stored, rest, inside_layers(family, prefix), tokens)
    checkpoint.notes |= notes
    if said is True and stale is not None:
        checkpoint.notes.add("config.json says tie_word_embeddings is true, and a head is stored; it was left out.")
    if said is False and "unembed" in {*family.globals, *family.unprefixed} and not checkpoint.has("unembed"):
        checkpoint.notes.add("config.json says tie_word_embeddings is false, and no head is stored.")
    _log.info("%s: %s, %d tensors in %d files", checkpoint.name, family.name, len(found), len(source.weights))
    for name in checkpoint.unrecognised:
        _log.debug("%s: tensor %r is not understood and left out", checkpoint.name, name)
    return checkpoint


def drafted_layout(model: str | os.PathLike[str] | Location) -> str:
    """A layout file to start from, for a model whose architecture is not known; see docs/layouts.md.

    Raises
    ------
    CheckpointError
        If its files cannot be read.
    """
    _, found, _ = _held(Location.of(model))
    return draft_layout({name: tensor.shape for name, tensor in found.items()})


def _held(location: Location) -> tuple[Source, dict[str, Tensor], dict[bytes, int] | None]:
    """What lies somewhere, its tensors by name, and the tokens that a file itself lists."""
    source, found, tokens = _contents(locate(location))
    found = unwrapped(found, whole=not is_adapter(source, found))
    return source, dequantised(found, source.config), tokens


def _contents(source: Source) -> tuple[Source, dict[str, Tensor], dict[bytes, int] | None]:
    """The tensors of all files; the source with what they say of themselves, which counts before config.json."""
    found: dict[str, Tensor] = {}
    tokens: dict[bytes, int] | None = None
    for file in source.weights:
        held = FORMATS[PurePosixPath(file.name).suffix.lower()](file, source.place)
        tokens = held.vocabulary if tokens is None else tokens
        weights = sorted((*source.weights, *held.beside), key=lambda one: one.name)
        source = replace(source, config=held.config or source.config, weights=tuple(weights))
        for name, tensor in held.tensors.items():
            if name in found:
                raise CheckpointError(
                    f"Tensor {name!r:.200} is in both {found[name].file} and {file.name}; expected it once."
                )
            found[name] = tensor
    for name, where in (source.index or {}).items():
        if name not in found or found[name].file != where:
            raise CheckpointError(
                f"The index says tensor {name!r:.200} is in {where!r:.120}, where it is not; download it again."
            )
    return source, found, tokens


def _match(
    family: Family, prefix: Prefix, found: dict[str, Tensor], config: dict[str, Any]
) -> tuple[dict[Key, Stored], dict[str, Tensor]]:
    """Every tensor's canonical keys (a fused tensor has several), and the tensors that have none."""
    heads, kv_heads = fused_heads(family, config)
    keys = places(family, prefix, found)
    stored: dict[Key, Stored] = {}
    rest: dict[str, Tensor] = {}
    for name, tensor in found.items():
        for (role, layer, expert), slot in keys.get(name, ()):
            parts = _experts(tensor) if slot.stacked else {expert: tensor}
            for which, part in parts.items():
                key = (role, layer, which)
                if key in stored:
                    raise CheckpointError(
                        f"Tensor {name!r:.200} and {stored[key].tensor.name!r:.200} claim one place; "
                        "expected one of them."
                    )
                stored[key] = _part(part, slot, heads, kv_heads)
        if name not in keys and not any(re.search(pattern, name) for pattern in family.constants):
            rest[name] = tensor
    return stored, rest


def _experts(tensor: Tensor) -> dict[int | None, Tensor]:
    """Experts that are the first axis of one tensor, each a tensor of its own."""
    axes = len(tensor.shape)
    if not isinstance(tensor, StoredTensor) or axes not in (2, 3) or not 0 < tensor.shape[0] <= _MOST_EXPERTS:
        raise CheckpointError(
            f"Tensor {tensor.name!r:.200} of {tensor.dtype} has shape {tensor.shape}; expected the matrices or "
            f"biases of at most {_MOST_EXPERTS} experts, one after the other; obtain the file again."
        )
    size = tensor.stored() // tensor.shape[0]
    first = replace(tensor, shape=tensor.shape[1:])
    return {e: replace(first, offset=tensor.offset + e * size) for e in range(tensor.shape[0])}


def _part(tensor: Tensor, slot: Slot, heads: int, kv_heads: int) -> Stored:
    transposed = slot.transposed and not tensor.upright
    rows = (tensor.shape or (1,))[-1 if transposed else 0]
    blocks, shares = slot.blocks(heads, kv_heads, rows)
    unit, rest = divmod(rows, blocks * sum(shares))
    if rest:
        of_heads = "" if slot.fused == "equal" else f" of {heads} heads and {kv_heads} kv heads"
        raise CheckpointError(
            f"Tensor {tensor.name!r:.200} has {rows} rows, which {slot.part[1]} fused parts{of_heads} cannot share; "
            "obtain the file again."
        )
    k = slot.part[0]
    return Stored(tensor, transposed, blocks, unit * sum(shares[:k]), unit * shares[k])
