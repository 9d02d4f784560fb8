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

``units``, ``values``, ``response`` and ``stream`` keep indices fixed in advance, as tests with a symmetry null
need; ``match``, ``gram``, ``circuit`` and ``spectrum`` do not depend on the order of units or the basis of the
stream.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..base import FingerprintError, Record, write_atomically
from ..checkpoint import Architecture, FileIdentity
from .sketch import SketchSpec

_HEADER = "verify.fingerprint"


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
    architecture: Architecture
    files: tuple[FileIdentity, ...]
    """The weight files, ordered by name."""
    content_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    """sha256 of all understood tensors in canonical order, as float32: independent of file format."""
    sketch: SketchSpec
    anchors: tuple[int, ...]
    """Positions, in the frozen anchor list, of the tokens kept."""
    dead: tuple[DeadCount, ...] = ()
    non_finite: int = 0
    """Number of entries that are not finite numbers, over all tensors."""
    unrecognised: tuple[str, ...] = ()
    """Tensors that no layout table understood; they were left out."""
    bytes_read: int
    software: dict[str, str]
    """Versions of what computed it."""


class Fingerprint:
    """What the tests know of a model; compare two with :func:`verify.test_lineage`.

    Parameters
    ----------
    record : FingerprintRecord
    arrays : mapping of str to numpy arrays, as in the table of this module; they become read-only.
    """

    def __init__(self, record: FingerprintRecord, arrays: Mapping[str, NDArray[np.floating]]) -> None:
        self.record = record
        self.arrays = dict(arrays)
        for array in self.arrays.values():
            array.flags.writeable = False

    def __repr__(self) -> str:
        size = sum(array.nbytes for array in self.arrays.values())
        return f"Fingerprint({self.record.name!r}, {self.record.architecture.family}, {size / 1e6:.2f} MB)"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one safetensors file, whole or not at all."""
        header = {_HEADER: json.dumps(self.record.model_dump(mode="json"), sort_keys=True)}
        arrays = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        write_atomically(Path(path), save(arrays, metadata=header))

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Fingerprint:
        """Read a fingerprint file.

        Raises
        ------
        FingerprintError
            If the file is absent, damaged, or not a fingerprint of a known schema.
        """
        path = Path(path)
        header = _header(path)
        if header is None:
            raise FingerprintError(
                f"{path.name} is not a fingerprint; make one with `verify fingerprint MODEL -o FILE`."
            )
        try:
            record = FingerprintRecord.model_validate_json(header)
            arrays = load(path.read_bytes())
        except (ValidationError, SafetensorError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise FingerprintError(
                f"The fingerprint {path.name} is damaged or of an unknown schema ({reason}); make it again."
            ) from error
        return Fingerprint(record, arrays)


def is_fingerprint(path: Path) -> bool:
    """Whether a file is a fingerprint rather than weights, by its header metadata alone."""
    return path.is_file() and path.suffix == ".safetensors" and _header(path) is not None


def _header(path: Path) -> str | None:
    """The record's JSON in the file's metadata, or None where there is none."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(path.stat().st_size, 100_000_000):
                return None
            metadata = json.loads(file.read(length)).get("__metadata__", {})
            text = metadata.get(_HEADER)
    except OSError as error:
        raise FingerprintError(f"{path.name} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, AttributeError, RecursionError):
        return None
    return text if isinstance(text, str) else None
