"""An open checkpoint: canonical tensors by role, layer and expert, read on demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..base import NotFoundError, Phrase, Progress, silent
from ..base.card import Card
from ..base.display import Displayed
from .adapters.overlay import declared_bases, is_local, merged_onto
from .architecture import Architecture, FileIdentity
from .canonical import CanonicalTensor, placed, quiet
from .card import declared_base
from .formats.safetensors_file import StoredTensor
from .formats.tensor import Indexer, Tensor
from .layouts.describe import describe, stream
from .layouts.divide import Division, Territory
from .layouts.fit import told_by_biases
from .layouts.naming import Key, inside_layers
from .layouts.sublayers import set_aside
from .source import Source
from .vocabulary import Vocabulary, vocabulary

_PLAIN = {"F64", "F32", "F16", "BF16"}


class Held(NamedTuple):
    """The content of a model's files."""

    source: Source
    found: dict[str, Tensor]
    """Tensors by name."""
    tokens: Vocabulary | None
    """Vocabulary that a file of weights contains."""


class Checkpoint(Displayed):
    """Canonical access to the tensors of one model; make one with :func:`open_checkpoint`.

    Matrices are [out, in]: the rows of ``q k v gate up`` are units, ``o`` and ``down`` are [width, units],
    ``embed`` and ``unembed`` are [vocab, width]. Roles of routed experts begin with ``expert_`` and
    take ``expert``; those of the shared expert begin with ``shared_``.

    Attributes
    ----------
    name : folder or file name, never a path.
    architecture : Architecture
    part : the part of the model that this is.
    parts : all parts of the model, understood ones first, beginning with the main one.
    unrecognised : names of tensors of this part that the family's table does not know.
    unrecognised_inside : those of them inside a layer that is read.
    outside : names of tensors of this part that are understood but compared by no test.
    strange : names of all tensors that no table knows, by part.
    starts : prefix of the tensor names of each part, by the part's name.
    notes : phrases on what contradicts the model's own declarations; reading may add to it.
    """

    def __init__(self, held: Held, territory: Territory, division: Division) -> None:
        fit = told_by_biases(territory.fit, set(territory.unrecognised))
        self.name = held.source.name
        self.part, self.parts = territory.part, division.parts
        self.unrecognised, self.strange = territory.unrecognised, division.groups
        layers = inside_layers(fit.family, fit.prefix)
        self.unrecognised_inside = tuple(name for name in self.unrecognised if layers.match(name))
        self.starts = division.starts
        self._rows_read: dict[Key, NDArray[np.bool_]] = {}
        self._raw_read: dict[str, int] = {}
        self._held, self._division = held, division
        self._source, self._family, self._tokens = replace(held.source, config=fit.config), fit.family, held.tokens
        stored, notes = placed(fit, held.found)
        shapes = {key: value.shape for key, value in stored.items()}
        aside = set_aside(fit.family, shapes, stream(shapes)[1], declared=fit.declared or fit.family.stated)
        for key in aside:
            del stored[key], shapes[key]
        self._stored = stored
        without = (name for name, keys in fit.keys.items() if keys and all(key in aside for key, _ in keys))
        self.outside = tuple(sorted({*territory.outside, *without}))
        self.architecture: Architecture
        self.notes: set[Phrase]
        self.architecture, self.notes = describe(
            fit.family, shapes, fit.config, self.unrecognised, self.outside, aside
        )
        self.notes |= notes | fit.notes | {*held.source.notes}

    def __repr__(self) -> str:
        return f"Checkpoint({self.name!r:.100}, {self.architecture.family}, {len(self._stored)} tensors)"

    def _card(self) -> Card:
        shape, unknown = self.architecture, sum(map(len, self.strange.values()))
        facts = (
            ("model", f"{shape.family}, {shape.layers} layers of width {shape.width}, vocabulary {shape.vocab}"),
            ("part", f"{self.part.name!r:.80} of {len(self.parts)}"),
            ("tensors", f"{len(self._stored)} understood, {unknown} not, in {len(self._source.weights)} files"),
            ("read", f"{self.bytes_read} bytes so far"),
        )
        return Card(f"Checkpoint {self.name!r:.100} at {self.origin or 'a path of this machine'}", facts)

    def further(self) -> tuple[Checkpoint, ...]:
        """The other understood parts, by name."""
        others = (one for one in self._division.territories if one.part != self.part)
        return tuple(Checkpoint(self._held, one, self._division) for one in others)

    @property
    def origin(self) -> str | None:
        """Address that the model was read from; None for a local path."""
        return self._source.place.origin

    @property
    def revision(self) -> str | None:
        """Commit of its files, if the place keeps a history."""
        return self._source.place.revision

    @property
    def local(self) -> bool:
        """Whether all its files are local."""
        return is_local(self._source.place)

    @property
    def merged_onto(self) -> str | None:
        """Name, or address and commit, of the base that this adapter was merged onto; None for a whole model."""
        return merged_onto(self._source.place)

    @property
    def declared_bases(self) -> tuple[str, ...]:
        """Names of the base models that the model declares."""
        return declared_bases(self._source.place)

    @property
    def declared_relation(self) -> str | None:
        """What its card says that it is of them, such as ``finetune`` or ``merge``; None if it does not say."""
        return declared_base(self._source.place).relation

    @property
    def matrix_types(self) -> tuple[str, ...]:
        """Types that the matrices of this part are stored in, the largest share first; empty for plain floats."""
        numbers: Counter[str] = Counter()
        for tensor in {stored.tensor.name: stored.tensor for stored in self._stored.values()}.values():
            numbers[tensor.dtype] += prod(tensor.shape) * (len(tensor.shape) > 1)
        types = sorted((name for name, count in numbers.items() if count), key=lambda name: (-numbers[name], name))
        return () if _PLAIN.issuperset(types) else tuple(types)

    @property
    def bytes_of(self) -> dict[Key | str, int]:
        """Bytes of weights read so far, by tensor; a row read twice counts once."""
        read: dict[Key | str, int] = {
            key: self._stored[key].nbytes(None if rows.all() else np.flatnonzero(rows))
            for key, rows in self._rows_read.items()
        }
        read.update(self._raw_read)
        return read

    @property
    def bytes_read(self) -> int:
        """Distinct bytes of weights read so far."""
        return sum(self.bytes_of.values())

    def again(self) -> Checkpoint:
        """The same checkpoint with its counts of bytes reset."""
        other = copy(self)
        other._rows_read, other._raw_read, other.notes = {}, {}, set(self.notes)
        return other

    def keys(self, layer: int | None) -> list[Key]:
        """Keys of all tensors of one layer, or of those outside layers, in canonical order."""
        keys = [key for key in self._stored if key[1] == layer]
        return sorted(keys, key=lambda key: (key[0], -1 if key[2] is None else key[2]))

    def has(self, role: str, layer: int | None = None, expert: int | None = None) -> bool:
        """Whether the model has a tensor of this role.

        Parameters
        ----------
        role : canonical role, such as ``up``.
        layer : number of the layer, from 0; None outside layers.
        expert : number of the routed expert, from 0; None for all other roles.

        Returns
        -------
        bool
            Whether the model has it.
        """
        return (role, layer, expert) in self._stored

    def shape(self, role: str, layer: int | None = None, expert: int | None = None) -> tuple[int, ...]:
        """Canonical shape of a tensor.

        Parameters
        ----------
        role : canonical role, such as ``up``.
        layer : number of the layer, from 0; None outside layers.
        expert : number of the routed expert, from 0; None for all other roles.

        Returns
        -------
        tuple of int
            [out, in] of a matrix, [size] of a vector.

        Raises
        ------
        NotFoundError
            If there is no such tensor.
        """
        return self._at(role, layer, expert).shape

    def has_rows_apart(self, role: str, layer: int | None = None, expert: int | None = None) -> bool:
        """Whether every row of a tensor lies in one place of its file, so that few are read as cheaply as many.

        Parameters
        ----------
        role : canonical role, such as ``up``.
        layer : number of the layer, from 0; None outside layers.
        expert : number of the routed expert, from 0; None for all other roles.
        """
        stored = self._at(role, layer, expert)
        return isinstance(stored.tensor, StoredTensor) and not stored.transposed

    def norm_before(self, sublayer: str, layer: int) -> tuple[str, int | None] | None:
        """Role and layer of the norm whose output a sublayer (``attn`` or ``mlp``) reads; None if there is none."""
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
        rows: Indexer = None,
    ) -> NDArray[np.float32]:
        """A canonical tensor, or some of its rows, as float32; its NaNs are quiet.

        Parameters
        ----------
        role : canonical role, such as ``up``.
        layer : number of the layer, from 0; None outside layers.
        expert : number of the routed expert, from 0; None for all other roles.
        rows : slice, or ascending indices, of rows to read; None for all.

        Returns
        -------
        array
            float32, shape [rows, in] of a matrix, [rows] of a vector.

        Raises
        ------
        CheckpointError
            If there is no such tensor, its stored dtype cannot be read, or the file changed since it was opened.
        """
        stored = self._at(role, layer, expert)
        with np.errstate(all="ignore"):  # F64 beyond float32, infinite scales: counted as non-finite
            found = quiet(np.ascontiguousarray(stored.read(rows), dtype=np.float32))
        self.notes.update(stored.tensor.notes)
        self._count((role, layer, expert), rows)
        return found

    def raw_blocks(self, name: str) -> Iterator[bytes]:
        """A tensor that has no role: its dtype and shape, then its bytes as stored, in blocks."""
        tensor = self._held.found[name]
        yield f"{tensor.dtype} {tensor.shape}".encode()
        done = 0
        for block in tensor.iter_bytes():
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
        """The tokenizer given, else that in a file of weights, else that of the folder; None if there is none."""
        return vocabulary(self._source.place) if self._tokens is None else self._tokens

    def files(self, *, read: bool = True, progress: Progress = silent) -> tuple[FileIdentity, ...]:
        """The weight files, ordered by name, with their sha256: as given by their place, else by reading them whole.

        With ``read=False``, a file whose place gives no sha256 has none.
        """
        identities = []
        for done, file in enumerate(self._source.weights, start=1):
            identities.append(FileIdentity(name=file.name, size=file.size, sha256=file.sha256(read=read)))
            progress(f"hashing {self.name}", done, len(self._source.weights))
        return tuple(identities)

    def evict(self) -> None:
        """Delete the ranges that were cached for resuming."""
        for file in self._source.weights:
            file.evict()

    def _count(self, key: Key, rows: Indexer) -> None:
        """Count rows as read."""
        read = self._rows_read.setdefault(key, np.zeros(self._stored[key].shape[:1] or 1, dtype=bool))
        read[... if rows is None else rows] = True

    def _at(self, role: str, layer: int | None, expert: int | None) -> CanonicalTensor:
        try:
            return self._stored[role, layer, expert]
        except KeyError:
            place = "".join(f", {what} {n}" for what, n in (("layer", layer), ("expert", expert)) if n is not None)
            raise NotFoundError(f"{self.name} has no tensor for `{role}`{place}; ask `has` first.") from None
