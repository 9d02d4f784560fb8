"""A checkpoint opened: canonical tensors by role, layer and expert, read as they are asked for."""

from __future__ import annotations

import logging
import os
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
from .describe import apart, describe, fused_heads, numbers
from .formats import FORMATS
from .infer import draft_layout
from .layout import Slot
from .layout_file import layout_of
from .naming import Key, inside_layers, unwrapped
from .overlay import declared_bases, is_local, merged_onto
from .parts import Division, Fit, Territory, divide, understood
from .place import Location
from .quantised import dequantised
from .safetensors_file import StoredTensor
from .source import Source, below, find, is_weights, locate
from .stand_ins import check_tensors
from .tensor import Chosen, Tensor
from .vocabulary import LOOKED_FOR, Vocabulary, read_vocabulary, vocabulary

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

    def read(self, rows: Chosen) -> NDArray[Any]:
        """The tensor, or some of its rows, as stored numbers."""
        chosen = self._places(rows)
        return self.tensor.read(None, chosen).T if self.transposed else self.tensor.read(chosen)

    def stored(self, rows: Chosen) -> int:
        """Bytes that the tensor, or some of its rows, take in the file."""
        chosen = self._places(rows)
        return self.tensor.stored(None, chosen) if self.transposed else self.tensor.stored(chosen)

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


@dataclass(frozen=True)
class Held:
    """What lies in the files of a model."""

    source: Source
    found: dict[str, Tensor]
    """By name."""
    tokens: Vocabulary | None
    """That a file itself lists."""


class Checkpoint:
    """Canonical access to the tensors of one model; make one with :func:`open_checkpoint`.

    Matrices are [out, in]: the rows of ``q k v gate up`` are units, ``o`` and ``down`` are [width, units],
    ``embed`` and ``unembed`` are [vocab, width]. Roles of routed experts begin with ``expert_`` and
    take ``expert``; those of the shared expert begin with ``shared_``.

    Attributes
    ----------
    name : folder or file name, never a path.
    architecture : Architecture
    part : which part of its files this is.
    parts : all parts of its files, understood ones first, the main one before all; this is one of them.
    unrecognised : names of tensors of this part that the family's table does not understand.
    unrecognised_inside : those of them that lie inside a layer that is read.
    outside : names of tensors of this part that are understood and not compared by any test.
    strange : names of all tensors of its files that no table understands, by the part they are in.
    starts : what the names of the tensors of each part begin with, by the part's name.
    notes : what was found otherwise than the model's makers declare, in sentences; reading may add to it.
    """

    def __init__(self, held: Held, territory: Territory, division: Division) -> None:
        fit = territory.fit
        self.name = held.source.name
        self.part, self.parts = territory.part, division.parts
        self.outside, self.unrecognised, self.strange = territory.outside, territory.unrecognised, division.groups
        layers = inside_layers(fit.family, fit.prefix)
        self.unrecognised_inside = tuple(name for name in self.unrecognised if layers.match(name))
        self.starts = division.starts
        self._rows_read: dict[Key, NDArray[np.bool_]] = {}
        self._raw_read: dict[str, int] = {}
        self._held, self._division = held, division
        self._source, self._family, self._tokens = replace(held.source, config=fit.config), fit.family, held.tokens
        self._stored, notes = _placed(fit, held.found)
        shapes = {key: value.shape for key, value in self._stored.items()}
        self.architecture: Architecture
        self.notes: set[str]
        self.architecture, self.notes = describe(fit.family, shapes, fit.config, self.unrecognised)
        self.notes |= notes | fit.notes

    def __repr__(self) -> str:
        return f"Checkpoint({self.name!r}, {self.architecture.family}, {len(self._stored)} tensors)"

    def __str__(self) -> str:
        shape, unknown = self.architecture, sum(map(len, self.strange.values()))
        return "\n".join(
            (
                f"Checkpoint {self.name!r} at {self.origin or 'a path of this machine'}",
                f"model    {shape.family}, {shape.layers} layers of width {shape.width}, vocabulary {shape.vocab}",
                f"part     {self.part.name!r} of {len(self.parts)}",
                f"tensors  {len(self._stored)} understood, {unknown} not, in {len(self._source.weights)} files",
                f"read     {self.bytes_read} bytes so far",
            )
        )

    def further(self) -> tuple[Checkpoint, ...]:
        """The other parts of its files that are understood, by name."""
        others = (one for one in self._division.territories if one.part != self.part)
        return tuple(Checkpoint(self._held, one, self._division) for one in others)

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

    @property
    def bytes_of(self) -> dict[Key | str, int]:
        """Bytes of weights read so far, by tensor; a row that was read twice counts once."""
        read: dict[Key | str, int] = {
            key: self._stored[key].stored(None if rows.all() else np.flatnonzero(rows))
            for key, rows in self._rows_read.items()
        }
        read.update(self._raw_read)
        return read

    @property
    def bytes_read(self) -> int:
        """Distinct bytes of weights read so far."""
        return sum(self.bytes_of.values())

    def again(self) -> Checkpoint:
        """The same checkpoint, of which nothing counts as read yet."""
        other = copy(self)
        other._rows_read, other._raw_read, other.notes = {}, {}, set(self.notes)
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
        found = stored.read(rows)
        self.notes.update(stored.tensor.notes)
        read = self._rows_read.setdefault((role, layer, expert), np.zeros(stored.shape[:1] or 1, dtype=bool))
        read[... if rows is None else rows] = True
        with np.errstate(over="ignore", invalid="ignore"):  # F64 beyond float32: non-finite, and counted
            return np.ascontiguousarray(found, dtype=np.float32)

    def raw_blocks(self, name: str) -> Iterator[bytes]:
        """A tensor that has no role: its dtype and shape, then its bytes as stored, in blocks."""
        tensor = self._held.found[name]
        yield f"{tensor.dtype} {tensor.shape}".encode()
        done = 0
        for block in tensor.raw():
            done += len(block)
            self._raw_read[name] = max(done, self._raw_read.get(name, 0))
            yield block

    def stored_as(self, name: str) -> tuple[str, tuple[int, ...]]:
        """Stored dtype and shape of a tensor that has no role."""
        tensor = self._held.found[name]
        return tensor.dtype, tensor.shape

    @property
    def not_read(self) -> tuple[str, ...]:
        """Other files of weights in the folder."""
        return self._source.not_read

    def vocabulary(self) -> Vocabulary | None:
        """The tokenizer: the one given, else that of a file of weights, else that of the folder; None without any."""
        return vocabulary(self._source.place) if self._tokens is None else self._tokens

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
    if (given := location.of_tokenizer) is not None:
        tokens = tokenizer_at(given)
    held = Held(source, found, tokens)
    asked = None if location.layout is None else layout_of(location.layout)
    shapes = {name: tensor.shape for name, tensor in found.items()}
    main, *further = (_apart(fit, found) for fit in understood(source.name, shapes, source.config, asked))
    division = divide([main, *(sound for fit in further if (sound := _sound(held, fit)) is not None)], shapes)
    for territory in division.territories:
        if location.part in (None, territory.part.name):
            checkpoint = Checkpoint(held, territory, division)
            break
    else:
        names = ", ".join(repr(territory.part.name)[:80] for territory in division.territories)
        raise CheckpointError(f"{source.name} has no part {location.part!r:.80} that is understood; it has {names}.")
    _log.info("%s: %s, %d tensors in %d files", checkpoint.name, main.family.name, len(found), len(source.weights))
    for name in (name for names in checkpoint.strange.values() for name in names):
        _log.debug("%s: tensor %r is not understood and left out", checkpoint.name, name)
    return checkpoint


def _apart(fit: Fit, found: dict[str, Tensor]) -> Fit:
    """A part without the rows of q, k and v that are fused in a way which does not fit its heads, if they are."""
    family, notes = apart(fit.family, fit.keys, found, fit.config)
    if not notes:
        return fit
    told = {
        name: [(key, slot) for key, slot in keys if slot.fused not in ("heads", "groups")]
        for name, keys in fit.keys.items()
    }
    return replace(
        fit, family=family, keys={name: keys for name, keys in told.items() if keys}, notes=frozenset(notes)
    )


def _sound(held: Held, fit: Fit) -> Fit | None:
    """A part beside the main one that can be read: with what ``config.json`` says, or says of something else."""
    for one in (fit, replace(fit, config=numbers(fit.family, {}))):
        alone = divide([one], {name: held.found[name].shape for name in one.keys})
        try:
            Checkpoint(held, alone.territories[0], alone)
        except CheckpointError:
            continue
        return one
    return None


def tokenizer_at(location: Location) -> Vocabulary:
    """The tokenizer that an address means: of a tokenizer file, of a folder or of a model.

    Raises
    ------
    CheckpointError
        If there is none, or it is damaged.
    """
    place, file = find(location)
    found = None
    if file is None:
        found = vocabulary(place)
    elif not is_weights(file):
        found = read_vocabulary(place, file)
    if found is None and (file is not None or any(map(is_weights, below(place).names()))):
        source, _, found = _held(location)
        found = found or vocabulary(source.place)
    if found is None:
        raise CheckpointError(
            f"No tokenizer was found in {place.name} (looked for {', '.join(LOOKED_FOR)}); give the path of one."
        )
    return replace(found, file=f"{place.name}/{found.file}")


def drafted_layout(model: str | os.PathLike[str] | Location) -> str:
    """A layout file to start from, for a model whose architecture is not known; see docs/layouts.md.

    Raises
    ------
    CheckpointError
        If its files cannot be read.
    """
    _, found, _ = _held(Location.of(model))
    return draft_layout({name: tensor.shape for name, tensor in found.items()})


def _held(location: Location) -> tuple[Source, dict[str, Tensor], Vocabulary | None]:
    """What lies somewhere, its tensors by name, and the tokens that a file itself lists."""
    source, found, tokens = _contents(locate(location))
    found = unwrapped(found, whole=not is_adapter(source, found))
    return source, dequantised(found, source.config), tokens


def _contents(source: Source) -> tuple[Source, dict[str, Tensor], Vocabulary | None]:
    """The tensors of all files; the source with what they say of themselves, which counts before config.json."""
    found: dict[str, Tensor] = {}
    tokens: Vocabulary | None = None
    for file in source.weights:
        held = FORMATS[PurePosixPath(file.name).suffix.lower()](file, source.place)
        if tokens is None and held.vocabulary is not None:
            tokens = Vocabulary(file.name, held.vocabulary)
        weights = sorted((*source.weights, *held.beside), key=lambda one: one.name)
        source = replace(source, config=held.config or source.config, weights=tuple(weights))
        for name, tensor in held.tensors.items():
            if name in found:
                raise CheckpointError(
                    f"Tensor {name!r:.200} is in both {found[name].file} and {file.name}; expected it once."
                )
            found[name] = tensor
    check_tensors(source.name, found)
    for name, where in (source.index or {}).items():
        if name not in found or found[name].file != where:
            raise CheckpointError(
                f"The index says tensor {name!r:.200} is in {where!r:.120}, where it is not; download it again."
            )
    return source, found, tokens


def _placed(fit: Fit, found: dict[str, Tensor]) -> tuple[dict[Key, Stored], set[str]]:
    """The tensors of a part by canonical key (a fused tensor has several), and what of its head is unexpected."""
    heads, kv_heads = fused_heads(fit.family, fit.config)
    stored: dict[Key, Stored] = {}
    for name, keys in fit.keys.items():
        for (role, layer, expert), slot in keys:
            parts = _experts(found[name]) if slot.stacked else {expert: found[name]}
            for which, part in parts.items():
                key = (role, layer, which)
                if key in stored:
                    raise CheckpointError(
                        f"Tensor {name!r:.200} and {stored[key].tensor.name!r:.200} claim one place; "
                        "expected one of them."
                    )
                stored[key] = _part(part, slot, heads, kv_heads)
    head, notes = ("unembed", None, None), set[str]()
    said = fit.config.get("tie_word_embeddings")
    tied = fit.family.tied if said is None else said is True
    if tied and stored.pop(head, None) is not None and said is True:  # a stale copy: the model uses embed
        notes.add("config.json says tie_word_embeddings is true, and a head is stored; it was left out.")
    has_one = "unembed" in {*fit.family.globals, *fit.family.unprefixed}
    if said is False and has_one and head not in stored:
        notes.add("config.json says tie_word_embeddings is false, and no head is stored.")
    return stored, notes


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
