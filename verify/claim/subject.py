"""One of the two models of a report, as it was examined."""

from __future__ import annotations

from ..base import Record, later
from ..checkpoint import Architecture, FileIdentity
from ..fingerprint import (
    DeadCount,
    Effort,
    Fingerprint,
    FingerprintRecord,
    Pairing,
    PartRecord,
    ReadFrom,
    SketchSpec,
)
from .parts import PartSubject, inventory


class Subject(Record):
    """One of the two models, as it was examined."""

    name: str
    """Folder or file name, never a path."""
    origin: str | None = None
    """Address it was read from; None for files of the machine that read them."""
    revision: str | None = None
    """Commit of the files, where the place they lie in keeps a history."""
    merged_onto: str | None = None
    """Name, or address and commit, of the base that this adapter was merged onto; None for a model of its own."""
    declared_bases: tuple[str, ...] = ()
    """Names of the models that this one was made from, as its makers declare them; no evidence."""
    architecture: Architecture
    files: tuple[FileIdentity, ...]
    effort: Effort = "full"
    """How much was read."""
    sketch: SketchSpec
    """Under which it was read."""
    content_sha256: str
    """sha256 over every learned tensor, canonical ones as float32, so a lossless change of format keeps it; at lesser
    effort, over the rows that were read."""
    not_read: tuple[str, ...] = later(())
    """Other files of weights that lie beside those read, by name."""
    anchors: int
    """Anchors kept: tokens, or rows of the table of tokens."""
    pairing: Pairing = later("tokens")
    """By what anchors pair with those of another model: tokens, or the numbers of rows."""
    tokenizer: str | None = later()
    """Name of the file that tells the tokens; None where none was found."""
    dead: tuple[DeadCount, ...]
    non_finite: int
    outside: tuple[str, ...]
    unrecognised: tuple[str, ...]
    unrecognised_inside: tuple[str, ...] | None = later()
    """Those of them that lie inside a layer that was read; None where that is not known."""
    notes: tuple[str, ...] = later(())
    """What was found otherwise than the model's makers declare, in sentences."""
    part: str = later("")
    """Name of the part that architecture, anchors, tests and what is below their digest are of."""
    parts: tuple[PartRecord, ...] = later(())
    """All parts of the model; empty where they are not known."""
    bytes_read: int
    software: dict[str, str]
    read_from: ReadFrom | None = later()
    """Whether weights were read, or a fingerprint that states what it is of; None in older files."""
    arrays_sha256: str | None = later()
    """Of a fingerprint that was read, the digest of its arrays; "" where it states none, so that nothing binds them
    to what it states. None where weights were read, and in older files."""

    @staticmethod
    def of(record: FingerprintRecord, part: FingerprintRecord | None = None) -> Subject:
        """The subject described by a model's fingerprint record.

        Parameters
        ----------
        part : the record of the part that is compared, where the model is not one part alone.
        """
        apart = {"anchors", "arrays_sha256", "part", "parts"}
        shared = Subject.model_fields.keys() & FingerprintRecord.model_fields.keys() - apart
        fields = {name: getattr(record, name) for name in shared}
        if part is not None:
            fields |= {name: getattr(part, name) for name in PartSubject.model_fields} | {"outside": part.outside}
            fields |= {"part": part.part or inventory(record)[0].name, "parts": inventory(record)}
        return Subject(**fields | {"anchors": len((part or record).anchors)})

    @staticmethod
    def read(model: Fingerprint, part: FingerprintRecord | None = None) -> Subject:
        """The subject that a fingerprint is of, and what it was read from; of a part as in :meth:`of`."""
        arrays = model.record.arrays_sha256 if model.read_from == "fingerprint" else None
        stated = {"read_from": model.read_from, "arrays_sha256": arrays}
        return Subject.of(model.record, part).model_copy(update=stated)
