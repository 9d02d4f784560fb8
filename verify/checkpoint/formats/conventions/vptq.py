"""VPTQ: W = sum of the vectors of two codebooks * scale + bias of the column (arXiv:2409.17066).

A vector is a run of rows in one column. Columns that matter most may have a codebook of their own (outliers); they
come first, and ``perm`` says which column of the matrix each one is. Indices of both codebooks lie in one run of bits
for each row of vectors. Sizes are in ``config_for_layers`` of ``quantization_config``, by module. Source: ``dequant``
in ``ops/quant_gemm.py`` of vptq 0.0.5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .matrix import Array, Parts, Quantised

_FLOATS = ("F32", "F16", "BF16")
_MOST = 64
"""Numbers of the matrix for each stored byte."""
_LARGEST = 1 << 16


@dataclass(frozen=True)
class _Book:
    """A codebook, and how its indices lie."""

    vectors: int
    length: int
    """Rows that a vector covers."""

    @property
    def bits(self) -> int:
        """Bits of an index."""
        return (self.vectors - 1).bit_length()


@dataclass(frozen=True)
class Vptq(Quantised):
    """Vectors of rows, by their indices in codebooks."""

    main: _Book = _Book(1, 1)
    rest: _Book | None = None
    """Vectors that are added to those of the main one."""
    outliers: _Book | None = None
    books: int = 1
    """Codebooks side by side, each for a group of columns."""
    group: int = 1
    """Columns of each."""

    @classmethod
    def of(cls, name: str, parts: Parts, settings: dict[str, Any]) -> Quantised:
        """Read the sizes that the settings give for this module, and hold the stored parts against them.

        Parameters
        ----------
        name : name of the matrix, by which its sizes are found.
        parts : its stored tensors, by the last part of their names.
        settings : ``config_for_layers``, or ``shared_layer_config`` by the last word of the module's name.

        Returns
        -------
        Quantised
            The matrix [out, in].

        Raises
        ------
        CheckpointError
            If the settings say nothing of it, or the parts do not fit them.
        """
        made = cls(name, (0, 0), "VPTQ", parts, settings)
        said = _said(name.removesuffix(".weight"), settings)
        high, wide, group, books = (
            _size(said, key) for key in ("out_features", "in_features", "group_size", "group_num")
        )
        aside = _size(said, "outlier_size")
        main, rest, outliers = _book(said, 1, "num_centroids"), _book(said, 1, "num_res_centroids"), _book(said, 0)
        outliers = outliers if outliers is not None and outliers.length > 1 else None
        if main is None or not (high and wide and group and books) or said.get("is_indice_packed") is not True:
            raise made.refuse(f"settings {sorted(said)}", "packed indices, with the sizes of their codebooks")
        columns = group * books + (aside if outliers is not None else 0)
        bits = main.bits + (0 if rest is None else rest.bits)
        if columns != wide or bits > 32 or (rest is not None and rest.bits > main.bits):
            raise made.refuse(f"{columns} columns of {bits} bits", f"{wide} columns, of at most 32 bits")
        made = replace(
            made,
            shape=(high, wide),
            dtype=f"VPTQ {bits / main.length:g} bits",
            main=main,
            rest=rest,
            outliers=outliers,
            books=books,
            group=group,
        )
        made.check("indices", (books, -(-high // main.length), -(-group * bits // 32)), dtypes=("I32",))
        made.check("centroids.weight", (books, main.vectors * main.length), dtypes=_FLOATS)
        shapes: dict[str, tuple[bool, tuple[int, ...], tuple[str, ...]]] = {
            "perm": (said.get("enable_perm") is True, (wide,), ("I16", "U16")),
            "weight_scale": (said.get("enable_norm") is True, (wide,), _FLOATS),
            "weight_bias": (said.get("enable_norm") is True, (wide,), _FLOATS),
        }
        if rest is not None:
            shapes["res_centroids.weight"] = True, (books, rest.vectors * main.length), _FLOATS
        if outliers is not None:
            shapes["outlier_centroids.weight"] = True, (1, outliers.vectors * outliers.length), _FLOATS
            shapes["outlier_indices"] = True, (1, -(-high // outliers.length), aside), ("I16", "U16")
        asked = {part for part, (needed, _, _) in shapes.items() if needed} | {"indices", "centroids.weight"}
        if asked != parts.keys():
            raise made.refuse(f"parts {sorted(parts)}", f"{sorted(asked)}, as its settings say")
        for part in asked - {"indices", "centroids.weight"}:
            made.check(part, shapes[part][1], dtypes=shapes[part][2])
        if high * wide > _MOST * sum(part.nbytes() for part in parts.values()):
            raise made.refuse(f"{high} rows of {wide}", "a matrix in proportion to what is stored")
        return made

    def decode(self, rows: NDArray[np.intp]) -> Array:
        """Some rows of the matrix."""
        codes, places = self._codes(rows // self.main.length), rows % self.main.length
        found = self._vectors("centroids.weight", self.main, codes & ((1 << self.main.bits) - 1), places)
        if self.rest is not None:
            found = found + self._vectors("res_centroids.weight", self.rest, codes >> self.main.bits, places)
        if self.outliers is not None:
            first, places = rows // self.outliers.length, rows % self.outliers.length
            part = self.parts["outlier_indices"]
            chosen, back = np.unique(first, return_inverse=True)
            own = part.viewed("U16", part.shape[1:]).values(np.dtype("<u2"), chosen)[back].astype(np.int64)[None]
            found = np.concatenate((self._vectors("outlier_centroids.weight", self.outliers, own, places), found), 1)
        if "perm" in self.parts:
            found = found[:, self._order()]
        if "weight_scale" in self.parts:
            scale, bias = (self.parts[part].read().astype(np.float32) for part in ("weight_scale", "weight_bias"))
            found = found * scale + bias
        return found

    def _codes(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """The indices of some rows of vectors in both codebooks; shape [codebooks, rows, columns]."""
        bits = self.main.bits + (0 if self.rest is None else self.rest.bits)
        _, tall, wide = self.parts["indices"].shape
        chosen, back = np.unique(rows, return_inverse=True)
        places = (np.arange(self.books, dtype=np.intp)[:, None] * tall + chosen).ravel()
        words = self.parts["indices"].viewed("U32", (self.books * tall, wide)).values(np.dtype("<u4"), places)
        words = words.astype(np.uint64).reshape(self.books, len(chosen), wide)[:, back]
        words = np.concatenate((words, np.zeros((*words.shape[:2], 1), np.uint64)), -1)  # the last has no next one
        start = np.arange(self.group) * bits
        both = words[..., start // 32] | words[..., start // 32 + 1] << np.uint64(32)
        found: NDArray[np.int64] = (both >> (start % 32).astype(np.uint64) & np.uint64((1 << bits) - 1)).astype(
            np.int64
        )
        return found

    def _vectors(
        self, part: str, book: _Book, codes: NDArray[np.int64], places: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """One number of each vector that the codes name; shape [rows, columns]."""
        if codes.size and codes.max() >= book.vectors:
            raise self.refuse(f"an index {codes.max()}", f"indices of {book.vectors} vectors")
        whole = self.parts[part].read().astype(np.float32).reshape(len(codes), book.vectors, -1)
        found = [one[own, places[:, None]] for one, own in zip(whole, codes, strict=True)]
        return np.concatenate(found, 1)

    def _order(self) -> NDArray[np.intp]:
        """Where each column of the matrix is stored."""
        places = self.parts["perm"].viewed("U16", self.parts["perm"].shape).values(np.dtype("<u2"))
        order: NDArray[np.intp] = np.argsort(places)
        if not np.array_equal(places[order], np.arange(len(order))):
            raise self.refuse("a perm that names a column twice", "each column once")
        return order


def _said(module: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What the settings say of a module."""
    for key, word in (("config_for_layers", module), ("shared_layer_config", module.rpartition(".")[2])):
        layers = settings.get(key)
        if isinstance(layers, dict) and isinstance(said := layers.get(word), dict):
            return said
    return {}


def _size(said: dict[str, Any], key: str) -> int:
    """A size; 0 where it is none."""
    value = said.get(key)
    return value if type(value) is int and 0 < value <= 1 << 24 else 0


def _book(said: dict[str, Any], at: int, key: str = "num_centroids") -> _Book | None:
    """The codebook of outliers (0) or of all others (1); None where there is none."""
    pairs = [pair for pair in (said.get(key), said.get("vector_lens")) if isinstance(pair, list) and len(pair) == 2]
    if len(pairs) < 2 or not all(type(pair[at]) is int for pair in pairs):
        return None
    vectors, length = (pair[at] for pair in pairs)
    sound = 1 < vectors <= _LARGEST and 0 < length <= _LARGEST
    return _Book(vectors, length) if sound else None
