"""A fingerprint: one record and its arrays, in one safetensors file.

Arrays (``{l}`` layer, ``{b}`` bundle of MLP copies: ``mlp``, ``experts`` or ``shared``):

=======================  =========================  =======  =============================================
name                     shape                      dtype    content
=======================  =========================  =======  =============================================
``units.{l}.{b}.R``      [copies, n, projections]   float16  projected rows (columns for ``down``), length 1
``values.{l}.R``         [kv heads, n, proj.]       float16  R in v, o: projected value channels, length 1
``response.{l}.{b}``     [copies, n, anchors]       float16  response of units to anchors, centred, length 1
``response.{l}.values``  [kv heads, n, anchors]     float16  response of value channels, likewise
``match.{l}.{b}.R``      [copies, n, anchors]       float16  of units of largest response: R in gate, up (what
                                                             they read), down (what they write), likewise
``stream.embed``         [dims, anchors]            float16  columns of the embedding over anchors, length 1
``stream.unembed``       [dims, anchors]            float16  of the unembedding likewise; absent where tied
``gram.embed``           [anchors, anchors]         float32  inner products of the anchors' embeddings, trace 1
``circuit.{l}.C``        [anchors, anchors]         float16  C in qk, vo, ffn on the anchors, Frobenius norm 1
``spectrum.{l}.C``       [values]                   float32  singular values of C in qk, vo, over the largest
``spread.R``             [layers, 4]                float64  mean, sd, rms, kurtosis of all entries of role R
=======================  =========================  =======  =============================================

All are there at full effort; at standard effort, those of :data:`SAMPLED`; at screen effort, those of fewer units
and channels, without ``down`` and ``o``. What a model lacks (an embedding, kv heads) has no arrays.

``units``, ``values``, ``response`` and ``stream`` keep indices fixed in advance, as tests with a symmetry null
need; ``match``, ``gram``, ``circuit`` and ``spectrum`` do not depend on the order of units or the basis of the
stream.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..base import FingerprintError, Record, later, write_atomically
from ..checkpoint import Architecture, FileIdentity
from .check import LARGEST_FILE, check_arrays, check_record
from .effort import screened
from .sketch import EFFORTS, Effort, SketchSpec

_HEADER = "verify.fingerprint"

Arrays = Mapping[str, NDArray[np.floating]]

Component = Literal["units", "values", "response", "match", "stream", "gram", "circuit", "spectrum", "spread"]
"""Kinds of arrays, by the first part of their names."""
COMPONENTS: tuple[Component, ...] = get_args(Component)
SAMPLED: tuple[Component, ...] = ("units", "values", "response", "stream", "gram")
"""Those that rows at chosen indices give, which is all that the exact tests need."""


ReadFrom = Literal["weights", "fingerprint"]
"""Whether a fingerprint was made from weights at hand, or is as somebody else made it."""


class DeadCount(Record):
    """Rows that were zero or not finite, and therefore cannot match."""

    component: str
    """What kind of row: ``units`` or ``values``."""
    layer: int
    rows: int
    """Number of dead or non-finite rows among those kept."""


class FingerprintRecord(Record):
    """Everything about a fingerprint but its arrays."""

    schema_version: Literal[1] = 1
    name: str
    """Folder or file name of the model, never a path."""
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
    """The weight files, ordered by name."""
    effort: Effort = "full"
    """How much was read."""
    content_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """sha256 over every learned tensor, canonical ones as float32, so a lossless change of format keeps it; at lesser
    effort, over the rows that were read."""
    arrays_sha256: str = later("")
    """sha256 over the arrays, so that they cannot be exchanged without this record; "" in older files, whose arrays
    nothing binds. It says nothing of the weights: whoever writes a fingerprint can compute it."""
    sketch: SketchSpec
    components: tuple[Component, ...] = COMPONENTS
    """Kinds of arrays held: those that its effort gives, unless it was cut down for a panel."""
    anchors: tuple[int, ...]
    """Positions, in the frozen anchor list, of the tokens kept."""
    dead: tuple[DeadCount, ...] = ()
    non_finite: int = 0
    """Number of entries that are not finite numbers, over all tensors; at lesser effort, among those read."""
    outside: tuple[str, ...] = ()
    """Tensors that are understood and that no test compares."""
    unrecognised: tuple[str, ...] = ()
    """Tensors that no layout table understood; they were left out."""
    bytes_read: int
    software: dict[str, str]
    """What computed it: versions, numpy's BLAS and the kernels that ran."""


class Fingerprint:
    """What the tests know of a model; compare two with :func:`verify.test_lineage`.

    Parameters
    ----------
    record : FingerprintRecord
    arrays : mapping of str to numpy arrays, as in the table of this module; they become read-only.
    read_from : ``"weights"`` only where this process, or its own cache, made it from them.
    """

    def __init__(
        self,
        record: FingerprintRecord,
        arrays: Arrays,
        *,
        read_from: ReadFrom = "fingerprint",
    ) -> None:
        self.record = record
        self.read_from: ReadFrom = read_from
        self.arrays = dict(arrays)
        for array in self.arrays.values():
            array.flags.writeable = False

    def __repr__(self) -> str:
        size = sum(array.nbytes for array in self.arrays.values())
        return f"Fingerprint({self.record.name!r}, {self.record.architecture.family}, {size / 1e6:.2f} MB)"

    def only(self, *components: Component) -> Fingerprint:
        """The same fingerprint with some components only; no test that needs the others applies to it."""
        return self._cut({}, components, self.arrays)

    def at(self, effort: Effort) -> Fingerprint:
        """The same fingerprint as a smaller effort makes it; its digest and count of bytes remain those of its own.

        Raises
        ------
        FingerprintError
            If it was made at a smaller effort than this.
        """
        record = self.record
        if EFFORTS.index(effort) > EFFORTS.index(record.effort):
            raise FingerprintError(
                f"The fingerprint of {record.name} was made at {record.effort} effort, and {effort} is asked for; "
                "make it again from the weights."
            )
        if effort == record.effort:
            return self
        arrays = {name: array for name, array in self.arrays.items() if name.split(".")[0] in SAMPLED}
        if effort == "screen":
            arrays = screened(record.architecture, record.sketch, arrays)
        return self._cut({"effort": effort, "sketch": record.sketch.at(effort)}, SAMPLED, arrays)

    def sealed(self) -> Fingerprint:
        """The same fingerprint, whose record states the digest of its arrays."""
        record = self.record.model_copy(update={"arrays_sha256": arrays_sha256(self.arrays)})
        return Fingerprint(record, self.arrays, read_from=self.read_from)

    def _cut(self, changes: dict[str, object], components: Collection[Component], arrays: Arrays) -> Fingerprint:
        """Those arrays that belong to some components, bound to the record if this fingerprint's are."""
        kept = tuple(c for c in self.record.components if c in components)
        arrays = {name: array for name, array in arrays.items() if name.split(".")[0] in kept}
        bound = arrays_sha256(arrays) if self.record.arrays_sha256 else ""
        changes = {**changes, "components": kept, "arrays_sha256": bound}
        return Fingerprint(self.record.model_copy(update=changes), arrays, read_from=self.read_from)

    def to_bytes(self) -> bytes:
        """The content of the file."""
        header = {_HEADER: json.dumps(self.record.model_dump(mode="json"), sort_keys=True)}
        return save({name: np.ascontiguousarray(array) for name, array in self.arrays.items()}, metadata=header)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file, whole or not at all."""
        write_atomically(Path(path), self.to_bytes())

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Fingerprint:
        """Read a fingerprint file, trusting nothing in it.

        Raises
        ------
        FingerprintError
            If the file is absent, too large, damaged, not a fingerprint of a known schema, or its arrays
            are not those that its record describes, or whose digest it states.
        """
        path = Path(path)
        header = _header(path)
        if header is None:
            raise FingerprintError(
                f"{path.name!r:.120} is not a fingerprint; make one with `verify fingerprint MODEL -o FILE`."
            )
        try:
            record = FingerprintRecord.model_validate_json(header)
            check_record(record)
            arrays = load(_bounded(path))
            check_arrays(record, arrays)
            check_bound(record, arrays)
        except FingerprintError as error:
            raise FingerprintError(f"The fingerprint {path.name!r:.120} {error}; make it again.") from error
        except ValidationError as error:
            problem = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"]) or "record"
            raise FingerprintError(
                f"The fingerprint {path.name!r:.120} is damaged or of an unknown schema (at {where!r:.80}: "
                f"{problem['msg']}); make it again."
            ) from error
        except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise FingerprintError(
                f"The fingerprint {path.name!r:.120} is damaged ({str(error)!r:.120}); make it again."
            ) from error
        return Fingerprint(record, arrays)


def arrays_sha256(arrays: Arrays) -> str:
    """sha256 over arrays in the order of their names: of each its name, dtype, shape and bytes."""
    whole = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        whole.update(json.dumps([name, array.dtype.name, array.shape]).encode())
        whole.update(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes())
    return whole.hexdigest()


def check_bound(record: FingerprintRecord, arrays: Arrays) -> None:
    """Refuse arrays whose digest is not the one that the record states; a record that states none binds nothing.

    Raises
    ------
    FingerprintError
        Naming both digests; to be completed with the file's name.
    """
    stated = record.arrays_sha256
    if stated and (found := arrays_sha256(arrays)) != stated:
        raise FingerprintError(
            f"states arrays of sha256 {stated!r:.18}... and holds arrays of {found:.16}..., so its record is of "
            "another fingerprint, or was altered"
        )


def is_fingerprint(path: Path) -> bool:
    """Whether a file is a fingerprint rather than weights, by its header metadata alone."""
    try:
        regular = path.is_file()
    except OSError:  # a name too long for the file system, or a folder that may not be entered
        return False
    return regular and _header(path) is not None


def _header(path: Path) -> str | None:
    """The record's JSON in the file's metadata, or None where there is none."""
    try:
        if path.exists() and not path.is_file():
            return None  # opening a pipe would wait for ever
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(path.stat().st_size, 100_000_000):
                return None
            metadata = json.loads(file.read(length)).get("__metadata__", {})
            text = metadata.get(_HEADER)
    except OSError as error:
        raise FingerprintError(f"{path.name!r:.120} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, AttributeError, RecursionError):
        return None
    return text if isinstance(text, str) else None


def _bounded(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise FingerprintError(f"has {size} bytes; expected at most {LARGEST_FILE}")
        return path.read_bytes()
    except OSError as error:
        raise FingerprintError(f"cannot be read ({error.strerror})") from error
