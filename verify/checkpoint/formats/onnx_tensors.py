"""Weights of an ONNX graph, decoded by rows on demand: as they lie in a product, or as integers with scales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .safetensors_file import StoredTensor
from .tensor import Indexer, Tensor

CODES = {"I8": "<i1", "U8": "<u1", "I32": "<i4"}
"""Integers that scales belong to, as numpy types."""


@dataclass(frozen=True)
class Linear:
    """A matrix [out, in], or a vector, under its original name."""

    tensor: Tensor
    name: str
    turned: bool
    """Whether it is stored [in, out]."""
    span: tuple[int, int] | None = None
    """The rows that belong to it, where several matrices lie in one; None for all."""

    is_out_in = True
    notes = ()

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.tensor.file

    @property
    def dtype(self) -> str:
        """As stored."""
        return self.tensor.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        shape = self.tensor.shape[::-1] if self.turned else self.tensor.shape
        return shape if self.span is None else (self.span[1] - self.span[0], *shape[1:])

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns."""
        rows = self._places(rows)
        return self.tensor.read(columns, rows).T if self.turned else self.tensor.read(rows, columns)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns."""
        rows = self._places(rows)
        return self.tensor.nbytes(columns, rows) if self.turned else self.tensor.nbytes(rows, columns)

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes as stored, in blocks; of several matrices in one, all."""
        return self.tensor.iter_bytes()

    def _places(self, rows: Indexer) -> Indexer:
        if self.span is None:
            return rows
        start, stop = self.span
        if rows is None:
            return slice(start, stop)
        if isinstance(rows, slice):
            first, last, step = rows.indices(stop - start)
            return slice(start + first, start + max(first, last), step)
        return rows + start


@dataclass(frozen=True, eq=False)
class Affine:
    """Integers with one scale and zero point, or one for each row, column or block of rows: scale * (code - zero)."""

    codes: StoredTensor | Packed
    name: str
    scale: NDArray[np.float32]
    """Shape [blocks of rows or 1, blocks of columns or 1]; of a vector, [size or 1]."""
    zero: NDArray[np.float32]
    block: tuple[int, int] = (1, 1)
    """Rows, and columns, of a block."""

    is_out_in = False
    notes = ()

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.codes.file

    @property
    def dtype(self) -> str:
        """Stored type of the codes, with scale."""
        return f"{self.codes.dtype} with scale"

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        return self.codes.shape

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as float32."""
        codes = self.codes.values(np.dtype(CODES.get(self.codes.dtype, "<i1")), rows, columns).astype(np.float32)
        scale, zero = (self._cut(part, rows, columns) for part in (self.scale, self.zero))
        with np.errstate(all="ignore"):  # infinite scales: counted as non-finite
            return np.asarray((codes - zero) * scale, np.float32)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:
        """Bytes of these rows and columns."""
        return self.codes.nbytes(rows, columns)

    def iter_bytes(self) -> Iterator[bytes]:
        """The codes as stored, then scale and zero."""
        yield from self.codes.iter_bytes()
        yield self.scale.tobytes() + self.zero.tobytes()

    def _cut(self, part: NDArray[np.float32], rows: Indexer, columns: Indexer) -> NDArray[np.float32]:
        """Scales of some rows and columns."""
        for axis, (chosen, size) in enumerate(zip((rows, columns), self.block, strict=True)):
            if axis < part.ndim and part.shape[axis] > 1 and (chosen is not None or size > 1):
                places = np.arange(self.shape[axis])[slice(None) if chosen is None else chosen]
                part = np.take(part, places // size, axis)
        return part


@dataclass(frozen=True, eq=False)
class Packed:
    """A matrix of integers of 4 or 2 bits, one after the other, the lower bits of a byte first."""

    stored: StoredTensor
    """Bytes, [rows, bytes]."""
    shape: tuple[int, ...]
    bits: int
    signed: bool

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.stored.file

    @property
    def name(self) -> str:
        """Name in the graph."""
        return self.stored.name

    @property
    def dtype(self) -> str:
        """Name of the type."""
        return f"{'I' if self.signed else 'U'}{self.bits}"

    def values(self, dtype: np.dtype[Any], rows: Indexer = None, columns: Indexer = None) -> NDArray[Any]:
        """Some rows, and of them some columns, as integers.

        Parameters
        ----------
        dtype : an integer type that holds them.
        rows : rows to read; None for all.
        columns : columns of these rows; None for all.

        Returns
        -------
        array
            The integers.
        """
        codes = unpacked(self.stored.values(np.dtype("<u1"), rows), self.bits).astype(np.int16)
        found = codes if columns is None else codes[:, columns]
        half = np.int16(1 << (self.bits - 1))
        return ((found ^ half) - half if self.signed else found).astype(dtype)

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:  # noqa: ARG002
        """Bytes of these rows."""
        return self.stored.nbytes(rows)

    def iter_bytes(self) -> Iterator[bytes]:
        """The bytes as stored, in blocks."""
        return self.stored.iter_bytes()


@dataclass(frozen=True, eq=False)
class Blocks:
    """A matrix [out, in] as ``MatMulNBits`` stores it: in blocks of a row, each with a scale and perhaps a zero."""

    codes: StoredTensor
    """Bytes, [out, blocks, bytes of a block]."""
    scales: StoredTensor
    """[out, blocks]."""
    zeros: StoredTensor | None
    """Bytes, [out, bytes]; None if every zero is half the range."""
    name: str
    columns: int
    bits: int

    is_out_in = True
    notes = ()

    @property
    def file(self) -> str:
        """Name of the file."""
        return self.codes.file

    @property
    def dtype(self) -> str:
        """Bits of a code, with scale."""
        return f"U{self.bits} with scale"

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its axes."""
        return self.codes.shape[0], self.columns

    def read(self, rows: Indexer = None, columns: Indexer = None) -> NDArray[np.float32]:
        """Some rows, and of them some columns, as float32."""
        byte = np.dtype("<u1")
        codes = unpacked(self.codes.values(byte, rows), self.bits).astype(np.float32)
        zero: NDArray[np.float32] | np.float32 = np.float32(1 << (self.bits - 1))
        if self.zeros is not None:
            zero = unpacked(self.zeros.values(byte, rows), self.bits)[:, : codes.shape[1], None].astype(np.float32)
        scale = np.asarray(self.scales.read(rows)).astype(np.float32)[..., None]
        with np.errstate(all="ignore"):  # infinite scales: counted as non-finite
            found = ((codes - zero) * scale).reshape(len(codes), -1)[:, : self.columns]
        return found if columns is None else found[:, columns]

    def nbytes(self, rows: Indexer = None, columns: Indexer = None) -> int:  # noqa: ARG002
        """Bytes of these rows, which are read whole."""
        parts = [self.codes, self.scales, *([] if self.zeros is None else [self.zeros])]
        return sum(part.nbytes(rows) for part in parts)

    def iter_bytes(self) -> Iterator[bytes]:
        """Codes, scales and zeros as stored."""
        for part in (self.codes, self.scales, self.zeros):
            if part is not None:
                yield from part.iter_bytes()


def unpacked(data: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Integers of 8, 4 or 2 bits along the last axis, the lower bits of a byte first.

    Examples
    --------
    >>> unpacked(np.array([[0x21, 0x43]], np.uint8), 4).tolist()
    [[1, 2, 3, 4]]
    """
    shifts = np.arange(0, 8, bits, dtype=np.uint8)
    mask = np.uint8((1 << bits) - 1)
    return np.asarray((data[..., None] >> shifts & mask).reshape(*data.shape[:-1], -1), np.uint8)


def packed(codes: NDArray[np.int8], bits: int) -> NDArray[np.uint8]:
    """The bytes of integers of 4 or 2 bits, which fill them, the lower bits of a byte first.

    Examples
    --------
    >>> packed(np.array([1, 2, 3, -1], np.int8), 4).tolist()
    [33, 243]
    """
    parts = (codes.view(np.uint8) & np.uint8((1 << bits) - 1)).reshape(-1, 8 // bits)
    return np.asarray(np.bitwise_or.reduce(parts << np.arange(0, 8, bits, dtype=np.uint8), axis=1), np.uint8)
