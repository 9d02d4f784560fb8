"""AQLM: W = scale of the rows * sum over codebooks of the vector of the code (arXiv:2401.06118).

A vector is a block of the matrix, [out_group, in_group]; codes are stored modulo the size of a codebook.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised

_MOST = 64
"""Numbers of the matrix for each stored byte; of one bit each they would be 8."""
_INTEGERS = {"I8": "i1", "I16": "<i2", "I32": "<i4"}


@dataclass(frozen=True)
class Aqlm(Quantised):
    """Sums of vectors of codebooks."""

    block: tuple[int, int] = (1, 8)
    """Rows and columns of a vector."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the shape from codes and codebooks.

        Parameters
        ----------
        name : name of the matrix, for messages.
        parts : its stored tensors, by the last part of their names.
        settings : not needed.

        Returns
        -------
        Quantised
            The matrix [out, in].

        Raises
        ------
        CheckpointError
            If the parts do not fit the convention.
        """
        made = cls(name, (0, 0), "AQLM", parts, settings)
        codes, books = parts["codes"], parts["codebooks"]
        if len(codes.shape) != 3 or len(books.shape) != 4 or min(*codes.shape, *books.shape) < 1:
            raise made.refuse(
                f"codes {codes.shape} and codebooks {books.shape}",
                "codes [out groups, in groups, codebooks] and codebooks [codebooks, vectors, out_group, in_group]",
            )
        tall, wide, number = codes.shape
        _, vectors, high, low = books.shape
        made.check("codes", (tall, wide, number), dtypes=tuple(_INTEGERS))
        made.check("codebooks", (number, vectors, high, low), dtypes=("F32", "F16", "BF16"))
        made.check("scales", (tall, 1, 1, 1), dtypes=("F32", "F16", "BF16"))
        if vectors & (vectors - 1) or vectors > 1 << codes.bits:
            raise made.refuse(f"codebooks of {vectors} vectors", f"a power of two, at most {1 << codes.bits}")
        if tall * high * wide * low > _MOST * sum(part.nbytes() for part in parts.values()):
            raise made.refuse(f"vectors of {high} by {low}", "a matrix in proportion to what is stored")
        return replace(made, shape=(tall * high, wide * low), dtype=f"AQLM {number} codebooks", block=(high, low))

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        high, _ = self.block
        tall, which = np.unique(rows // high, return_inverse=True)
        tall = tall.astype(np.intp)
        codes = self.parts["codes"].values(np.dtype(_INTEGERS[self.parts["codes"].dtype]), tall)
        books = self.parts["codebooks"].read().astype(np.float32)
        scales = self.parts["scales"].read(tall).astype(np.float32)
        places = codes.astype(np.int64) & (books.shape[1] - 1)
        found = np.zeros((*codes.shape[:2], *self.block), np.float32)
        for number, book in enumerate(books):
            found += book[places[..., number]]
        found = (found * scales).transpose(0, 2, 1, 3).reshape(len(tall), high, self.shape[1])
        return np.asarray(found[which, rows % high], np.float32)
