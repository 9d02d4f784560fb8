"""Rows of tokens that no text contains: which are kept, and their Gram profiles.

Which rows are kept is a function of the tokenizer and the shape of the table alone. The bytes of no text come first,
then all others in the order of SHA-256 of their names, so that models of different vocabularies keep common ones.

The profile of an unused row is its inner products with the rows of the anchors that *are* read; an anchor that is
itself unused (a table whose rows pair by number has such ones) has a column of zeros. A permutation of the kept
unused rows moves no other row of the table, so it permutes the rows of the array of profiles and changes nothing
else. No rotation of the residual stream changes an inner product, and none depends on the width of the stream.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..checkpoint import BYTES, name_of_byte

_FIRST = {name_of_byte(byte) for byte in BYTES}


def in_frozen_order(names: Iterable[str]) -> list[str]:
    """Different names in the order in which they are chosen.

    Examples
    --------
    >>> in_frozen_order(["[unused12]", "[unused11]", "byte 41", "byte F5"])
    ['byte F5', '[unused11]', 'byte 41', '[unused12]']
    """
    return sorted(set(names), key=lambda name: (name not in _FIRST, _key(name)))


def keys_of_names(names: Sequence[str]) -> NDArray[np.int64]:
    """A whole number for each name, the same in every model."""
    return np.array([int(_key(name)[:15], 16) for name in names], dtype=np.int64)


def profiles(
    unused: NDArray[np.float64], anchors: NDArray[np.float64], read: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Inner products of unused rows with those of the anchors, zero for anchors that are not read.

    Parameters
    ----------
    unused : shape [n, width].
    anchors : shape [anchors, width].
    read : which anchors are read, shape [anchors].

    Returns
    -------
    array
        Shape [n, anchors].
    """
    return np.where(read, unused @ anchors.T, 0.0)


def _key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()
