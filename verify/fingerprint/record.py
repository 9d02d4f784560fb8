"""A fingerprint: one record and its arrays, in one safetensors file.

Names, shapes and dtypes of the arrays are given by the table in :mod:`verify.fingerprint.layout`.

Arrays of the k-th further part of a model are in the same file, with the prefix ``part.{k}.``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..base import FingerprintError, Phrase, Record, first_problem, json_object, later, options, write_atomically
from ..base.card import Card
from ..base.display import Tabular
from ..base.plain import plain
from ..checkpoint import Architecture, FileIdentity, Part
from .anchors import Pairing
from .check import check_arrays, check_parts, check_record
from .file import HEADER, LARGEST_FILE, bounded_bytes, check_target, record_text
from .layout import COMPONENTS, SAMPLED, Arrays, Component, components, subset, table
from .sketch import EFFORTS, Effort, SketchSpec

_FURTHER = "further"
_PART = "part."

ReadFrom = Literal["weights", "fingerprint"]
"""Whether a fingerprint was made here from weights, or read from a file."""


class Signed(Record):
    """What is known of who stands for a fingerprint that was read from a file."""

    status: Literal["unsigned", "not_checked", "valid"] = "unsigned"
    """Whether a key that was given signed it, a signature lies beside it and no key was given, or neither."""
    key: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """Identifier of the key that signed it; None unless the signature is valid."""

    @model_validator(mode="after")
    def _a_valid_one_has_a_key(self) -> Signed:
        if (self.status == "valid") is (self.key is None):
            raise ValueError(f"is {self.status} with the key {self.key}")
        return self

    @staticmethod
    def beside(path: Path) -> Signed:
        """What can be told without a key: whether there is a signature beside a fingerprint's file."""
        return Signed(status="not_checked" if path.with_name(f"{path.name}.dsse").exists() else "unsigned")


def _phrases(notes: Any) -> Any:
    """Notes of older files, which were sentences, are not told."""
    if isinstance(notes, list | tuple):
        return tuple(Phrase.of("not_told") if isinstance(note, str) else note for note in notes)
    return notes


Notes = Annotated[tuple[Phrase, ...], BeforeValidator(_phrases)]
"""What was found otherwise than a model's makers declare."""


class DeadCount(Record):
    """Number of rows that are zero or not finite, and so cannot match."""

    component: str
    """Kind of row: ``units`` or ``values``."""
    layer: int
    rows: int
    """Number of dead or non-finite rows among those kept."""


class PartRecord(Part):
    """One part of a model, with the digest of its content."""

    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """Over its learned tensors, without the prefix of their names: like ``content_sha256`` if a table reads it, else
    over the bytes as stored; None below full effort."""

    telling: int = Field(default=0, ge=0)
    """If no table reads it, the stored numbers in tensors whose equality would be informative; else 0."""


class StrangeTensor(Record):
    """A tensor that no table knows."""

    name: str
    part: str
    """Name of the part that it is in."""
    dtype: str
    """Name of the stored type in its format."""
    shape: tuple[int, ...]
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    """Over dtype, shape and bytes as stored; None if it was not read."""
    telling: bool = False
    """Whether equal bytes elsewhere would be informative: at least a matrix, with more than a handful of entries, not
    integers, and neither constant nor with few different values."""

    @property
    def numbers(self) -> int:
        """Entries."""
        return prod(self.shape)


class FingerprintRecord(Record):
    """Everything in a fingerprint except its arrays."""

    schema_version: Literal[1] = 1
    name: str
    """Folder or file name of the model, never a path."""
    origin: str | None = None
    """Address it was read from; None for local files."""
    revision: str | None = None
    """Commit of the files, if their place keeps a history."""
    merged_onto: str | None = None
    """Name, or address and commit, of the base that this adapter was merged onto; None for a whole model."""
    declared_bases: tuple[str, ...] = ()
    """Names of the base models that it declares; no evidence."""
    declared_relation: str | None = later()
    """What its card says that it is of them, such as ``finetune`` or ``merge``; None if it does not say."""
    architecture: Architecture
    files: tuple[FileIdentity, ...]
    """The weight files, ordered by name."""
    not_read: tuple[str, ...] = later(())
    """Other files of weights that lie beside them, by name."""
    stored_as: tuple[str, ...] = later(())
    """Types that its matrices are stored in, the largest share first; empty for plain floats, and in older files."""
    effort: Effort = "full"
    """How much was read."""
    content_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """sha256 over every learned tensor, canonical ones as float32, so a lossless change of format keeps it; at lesser
    effort, over the rows that were read."""
    arrays_sha256: str = later("")
    """sha256 over the arrays, which binds them to this record; "" in older files, whose arrays are not bound. It
    proves nothing about the weights, since anyone who writes a fingerprint can compute it."""
    sketch: SketchSpec
    components: tuple[Component, ...] = COMPONENTS
    """Kinds of arrays present: those of its effort, unless it was cut down for a panel."""
    anchors: tuple[int, ...]
    """Positions of the anchors in the frozen list; row numbers if they pair by number."""
    pairing: Pairing = later("tokens")
    """Whether anchors are tokens, or rows of the table of tokens, by number."""
    unused: tuple[str, ...] = later(())
    """Names of the tokens kept that no text contains, in their frozen order."""
    tokenizer: str | None = later()
    """Name of the tokenizer file; None if none was found."""
    dead: tuple[DeadCount, ...] = ()
    non_finite: int = 0
    """Number of non-finite entries of all tensors; at lesser effort, of those read."""
    outside: tuple[str, ...] = ()
    """Tensors that are understood but compared by no test."""
    unrecognised: tuple[str, ...] = ()
    """Tensors of this part that the layout table does not know; they were left out."""
    unrecognised_inside: tuple[str, ...] | None = later()
    """Those of them inside a layer that was read; None if unknown."""
    notes: Notes = later(())
    """What contradicts the model's own declarations."""
    part: str = later("")
    """Name of the part that this describes; empty in records without parts."""
    parts: tuple[PartRecord, ...] = later(())
    """All parts of the model, understood ones first, beginning with the main one; empty in the record of a further
    part. In a fingerprint of one part alone, that is the first, and no table is named for the others."""
    rest: tuple[StrangeTensor, ...] = later(())
    """The largest tensors that no table knows, in any part, ordered by name."""
    bytes_read: int
    """Distinct bytes of weights read, as stored; at full effort, those of all tensors, each once."""
    software: dict[str, str]
    """Versions of the software that computed it, numpy's BLAS, and the kernels that ran."""


_RECORDS = TypeAdapter(list[FingerprintRecord], config=ConfigDict(defer_build=True))


class Fingerprint(Tabular):
    """The fingerprint of a model, the only input of the tests; compare two with :func:`verify.test_lineage`.

    Parameters
    ----------
    record : FingerprintRecord
    arrays : mapping of name to numpy array, as in :mod:`verify.fingerprint.layout`; they become read-only.
    parts : fingerprints of the further understood parts, each without parts of its own.
    read_from : ``"weights"`` only if it was made from weights by this process or taken from its cache.
    signed : who stands for it, if it was read from a file.
    """

    def __init__(
        self,
        record: FingerprintRecord,
        arrays: Arrays,
        parts: Iterable[Fingerprint] = (),
        *,
        read_from: ReadFrom = "fingerprint",
        signed: Signed | None = None,
    ) -> None:
        self.record = record
        self.read_from: ReadFrom = read_from
        self.signed: Signed | None = signed or (Signed() if read_from == "fingerprint" else None)
        self.arrays = dict(arrays)
        self.parts = tuple(parts)
        for array in self.arrays.values():
            array.flags.writeable = False

    @property
    def digest(self) -> str:
        """``sha256:`` and the digest of the file that :meth:`save` writes, which covers record and arrays."""
        return "sha256:" + hashlib.sha256(self.to_bytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        """Whether both have the same content, whatever each was read from."""
        if not isinstance(other, Fingerprint):
            return NotImplemented
        return self is other or (self.record == other.record and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash((self.record.name, self.record.content_sha256, self.record.arrays_sha256))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for array in self.arrays.values():
            array.flags.writeable = False  # pickles do not keep it

    def __repr__(self) -> str:
        r = self.record
        return (
            f"Fingerprint({r.name!r:.100}, {plain(r.architecture.family, 60)}, {r.effort} effort, {self.digest:.19})"
        )

    def _card(self) -> Card:
        r, shape = self.record, self.record.architecture
        size = sum(array.nbytes for part in (self, *self.parts) for array in part.arrays.values())
        further = f", and of {len(self.parts)} further parts" if self.parts else ""
        facts = (
            (
                "model",
                f"{plain(shape.family, 60)}, {shape.layers} layers of width {shape.width}, vocabulary {shape.vocab}",
            ),
            ("made", f"at {r.effort} effort from {r.bytes_read} bytes, sketch version {r.sketch.version}"),
            ("holds", f"{', '.join(r.components)}: {size} bytes"),
            ("digest", self.digest),
        )
        return Card(f"Fingerprint of {r.name!r:.100}{further}", facts)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each array: part, name, shape in words, dtype and bytes."""
        return [
            {
                "part": one.record.part,
                "array": name,
                "shape": " x ".join(map(str, array.shape)),
                "dtype": array.dtype.name,
                "bytes": array.nbytes,
            }
            for one in (self, *self.parts)
            for name, array in one.arrays.items()
        ]

    def only(self, *names: Component) -> Fingerprint:
        """The main part with some components only; tests that need others do not apply to it.

        Raises
        ------
        InputError
            If there is no such component.
        """
        wanted = {options.one_of("a component", component, COMPONENTS) for component in names}
        kept = tuple(component for component in self.record.components if component in wanted)
        arrays = {name: array for name, array in self.arrays.items() if name.split(".")[0] in kept}
        return self.with_arrays(arrays, components=kept)

    def at(self, effort: Effort) -> Fingerprint:
        """The same fingerprint at a smaller effort; its digest and count of bytes stay the same.

        Raises
        ------
        FingerprintError
            If it was made at a smaller effort.
        """
        record, effort = self.record, options.one_of("effort", effort, EFFORTS)
        if EFFORTS.index(effort) > EFFORTS.index(record.effort):
            raise FingerprintError(
                f"The fingerprint of {record.name} was made at {record.effort} effort, and {effort} is asked for; "
                "make it again from the weights."
            )
        if effort == record.effort:
            return self
        changes: dict[str, object] = {
            "effort": effort,
            "sketch": record.sketch.at(effort),
            "components": tuple(component for component in record.components if component in SAMPLED),
        }
        arrays = subset(self.arrays, table(record), table(record.model_copy(update=changes)))
        return self.with_arrays(arrays, [part.at(effort) for part in self.parts], **changes)

    def at_sketch(self, version: int) -> Fingerprint:
        """The same fingerprint under an earlier version of the sketch, which had fewer components."""
        if version >= self.record.sketch.version:
            return self
        sketch = self.record.sketch.model_copy(update={"version": version})
        kept = tuple(one for one in self.record.components if one in components(sketch, self.record.effort))
        arrays = {name: array for name, array in self.arrays.items() if name.split(".")[0] in kept}
        parts = [part.at_sketch(version) for part in self.parts]
        return self.with_arrays(arrays, parts, sketch=sketch, components=kept)

    def sealed(self) -> Fingerprint:
        """The same fingerprint with the digests of the arrays in its records."""
        record = self.record.model_copy(update={"arrays_sha256": arrays_sha256(self.arrays)})
        return self._with(record, self.arrays, [part.sealed() for part in self.parts])

    def with_arrays(self, arrays: Arrays, parts: Iterable[Fingerprint] = (), **changes: object) -> Fingerprint:
        """A copy with other arrays, parts and record fields; bound to its record if this fingerprint is.

        Parameters
        ----------
        arrays : the new arrays.
        parts : the new further parts.
        changes : fields of the record to change.

        Returns
        -------
        Fingerprint
            A new fingerprint.
        """
        bound = arrays_sha256(arrays) if self.record.arrays_sha256 else ""
        return self._with(self.record.model_copy(update={**changes, "arrays_sha256": bound}), arrays, parts)

    def with_record(self, record: FingerprintRecord) -> Fingerprint:
        """The same arrays and parts under another record."""
        return self._with(record, self.arrays, self.parts)

    def _with(self, record: FingerprintRecord, arrays: Arrays, parts: Iterable[Fingerprint]) -> Fingerprint:
        return Fingerprint(record, arrays, parts, read_from=self.read_from, signed=self.signed)

    def to_bytes(self) -> bytes:
        """The content of the file."""
        record, arrays = self.record.model_dump(mode="json"), dict(self.arrays)
        if self.parts:
            record[_FURTHER] = [part.record.model_dump(mode="json") for part in self.parts]
        for k, part in enumerate(self.parts):
            arrays |= {f"{_PART}{k}.{name}": array for name, array in part.arrays.items()}
        header = {HEADER: json.dumps(record, sort_keys=True)}
        return save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, metadata=header)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file, whole or not at all; an earlier fingerprint there is replaced.

        Raises
        ------
        InputError
            If a file of something else is there.
        """
        path = options.path("path", path)
        check_target(path)
        write_atomically(path, self.to_bytes())

    @staticmethod
    def load(path: str | os.PathLike[str], *, signer: str | os.PathLike[str] | None = None) -> Fingerprint:
        """Read and validate a fingerprint file.

        Parameters
        ----------
        path : the file.
        signer : file of the public key that must have signed it, in the envelope that lies beside it under its name
            and ``.dsse``; None to check no signature.

        Raises
        ------
        FingerprintError
            If the file is absent, too large, damaged or not a fingerprint of a known schema, or its arrays do not
            match its record or the digest in it, or the signer did not sign it.
        InputError
            If the key cannot be used.
        """
        path = options.path("path", path)
        signer = None if signer is None else options.path("signer", signer)
        header = record_text(path)
        if header is None:
            raise FingerprintError(
                f"{path.name!r:.120} is not a fingerprint; make one with `verify fingerprint MODEL -o FILE`."
            )
        try:
            content = json_object(header.encode(), most=LARGEST_FILE)
            records = _RECORDS.validate_python(content.pop(_FURTHER, []))
            record = FingerprintRecord.model_validate(content)
            check_record(record)
            check_parts(record, records)
            arrays = load(bounded_bytes(path))
            parts = []
            for k, one in enumerate(records):
                start = f"{_PART}{k}."
                own = {name.removeprefix(start): arrays.pop(name) for name in [*arrays] if name.startswith(start)}
                check_record(one)
                check_arrays(one, own)
                check_bound(one, own)
                parts.append(Fingerprint(one, own))
            check_arrays(record, arrays)
            check_bound(record, arrays)
        except FingerprintError as error:
            raise FingerprintError(f"The fingerprint {path.name!r:.120} {error}; make it again.") from error
        except ValidationError as error:
            raise FingerprintError(
                f"The fingerprint {path.name!r:.120} is damaged or of an unknown schema ({first_problem(error)}); "
                "make it again."
            ) from error
        except (SafetensorError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise FingerprintError(
                f"The fingerprint {path.name!r:.120} is damaged ({str(error)!r:.120}); make it again."
            ) from error
        found = Fingerprint(record, arrays, parts)
        if signer is not None:
            from .signature import checked

            found.signed = checked(found, path, signer)
        else:
            found.signed = Signed.beside(path)
        return found


def arrays_sha256(arrays: Arrays) -> str:
    """sha256 over arrays in order of names: name, dtype, shape and bytes of each."""
    whole = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        whole.update(json.dumps([name, array.dtype.name, array.shape]).encode())
        whole.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return whole.hexdigest()


def check_bound(record: FingerprintRecord, arrays: Arrays) -> None:
    """Refuse arrays whose digest differs from the one in the record; a record without one accepts any.

    Raises
    ------
    FingerprintError
        With both digests; the caller adds the file's name.
    """
    stated = record.arrays_sha256
    if stated and (found := arrays_sha256(arrays)) != stated:
        raise FingerprintError(
            f"states arrays of sha256 {stated!r:.18}... and holds arrays of {found:.16}..., so its record is of "
            "another fingerprint, or was altered"
        )
