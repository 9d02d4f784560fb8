"""One of the two models of a report, as it was examined."""

from __future__ import annotations

from ..base import Record, later
from ..checkpoint import Architecture, FileIdentity
from ..fingerprint import (
    DeadCount,
    Effort,
    Fingerprint,
    FingerprintRecord,
    Notes,
    Pairing,
    PartRecord,
    ReadFrom,
    Signed,
    SketchSpec,
)
from .parts import PartSubject, inventory


class Subject(Record):
    """One of the two models, as it was examined."""

    name: str
    """Folder or file name, never a path."""
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
    effort: Effort = "full"
    """How much was read."""
    sketch: SketchSpec
    """Under which it was read."""
    content_sha256: str
    """sha256 over every learned tensor, canonical ones as float32, so a lossless change of format keeps it; at lesser
    effort, over the rows that were read."""
    not_read: tuple[str, ...] = later(())
    """Other files of weights that lie beside those read, by name."""
    stored_as: tuple[str, ...] = later(())
    """Types that its matrices are stored in, the largest share first; empty for plain floats, and in older files."""
    anchors: int
    """Anchors kept: tokens, or rows of the table of tokens."""
    pairing: Pairing = later("tokens")
    """How anchors pair with those of another model: by tokens, or by row numbers."""
    unused: tuple[str, ...] = later(())
    """Names of the tokens kept that no text contains."""
    tokenizer: str | None = later()
    """Name of the tokenizer file; None if none was found."""
    dead: tuple[DeadCount, ...]
    non_finite: int
    outside: tuple[str, ...]
    unrecognised: tuple[str, ...]
    unrecognised_inside: tuple[str, ...] | None = later()
    """Those of them inside a layer that was read; None if unknown."""
    notes: Notes = later(())
    """Sentences on what contradicts the model's own declarations."""
    part: str = later("")
    """Name of the part that architecture, anchors and tests describe."""
    parts: tuple[PartRecord, ...] = later(())
    """All parts of the model; empty if unknown."""
    bytes_read: int
    software: dict[str, str]
    read_from: ReadFrom | None = later()
    """Whether weights were read, or a fingerprint of them; None in older files."""
    arrays_sha256: str | None = later()
    """Digest of the arrays of a fingerprint that was read; "" if it states none, so that its arrays are not bound to
    its record. None if weights were read, and in older files."""
    signed: Signed | None = later()
    """Who stands for a fingerprint that was read. None if weights were read, and in older files."""

    @staticmethod
    def of(record: FingerprintRecord, part: FingerprintRecord | None = None) -> Subject:
        """The subject described by a model's fingerprint record.

        Parameters
        ----------
        part : record of the part that is compared, if the model has several.
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
        """The subject described by a fingerprint, and whether weights were read; ``part`` as in :meth:`of`."""
        arrays = model.record.arrays_sha256 if model.read_from == "fingerprint" else None
        stated = {"read_from": model.read_from, "arrays_sha256": arrays, "signed": model.signed}
        return Subject.of(model.record, part).model_copy(update=stated)
