"""Anchors: the rows of two models' token tables that are compared with each other.

By tokens: the frozen list below holds byte strings that most tokenizers know, and two models are compared on those
that both know. Its order decides which are kept if a vocabulary knows more than the sketch needs; it must never
change within a sketch version.

By number: if no tokenizer is found, or it knows too few of them, rows at fixed numbers are kept, and compared with
the same rows of a table of equal size.

Either pairing of rows is fixed before any weight is read: it is a function f of tokenizer files and shapes alone. The
tests on anchors count matches of hidden units, value channels or dimensions of the residual stream, and the groups of
their null hypotheses permute those (or flip their signs). An element g acts on a model's token tables by permuting
columns, never rows, and changes neither tokenizer nor shape, so f(g M) = f(M): the arrays of g M on the anchors are
those of M with units (channels, dimensions) permuted by g, as the proofs require, whichever rows the anchors are. A
pairing that joins different tokens costs power, not validity.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..base.arrays import distinct
from ..checkpoint import Vocabulary

if TYPE_CHECKING:
    from .record import FingerprintRecord

Pairing = Literal["tokens", "rows"]
LEAST_ANCHORS = 32
"""Smallest number of anchors with which responses and embeddings are informative."""

_WORDS = (
    "the of and to in is that for it as with was on be by at from are this not or an have you "
    "which one we all can has but they more if will about their other new up when time out so "
    "people what some no would into than first use only two like over also after how these may "
    "between our most where many then each such any make well way used number work world year "
    "back through world day part code system data function return list name value set get type "
    "line file end string class import self def else"
)


def _anchors() -> tuple[bytes, ...]:
    printable = [bytes([b]) for b in range(32, 127)] + [b"\n", b"\t"]
    words = [b" " + word.encode() for word in dict.fromkeys(_WORDS.split())]
    rest = [bytes([b]) for b in range(256) if bytes([b]) not in printable]
    return tuple(printable + words + rest)


ANCHORS: tuple[bytes, ...] = _anchors()
"""Printable ASCII, newline and tab; common English and code words after a space; the other bytes."""


def anchors_of(vocabulary: Vocabulary | None, rows: int, count: int) -> tuple[Pairing, list[tuple[int, int]]]:
    """The anchors of a model: how they pair, and (number, row) of each, ascending.

    Parameters
    ----------
    vocabulary : its tokenizer, if one was found.
    rows : rows of its table of tokens.
    count : largest number of anchors.
    """
    known: list[tuple[int, int]] = []
    if vocabulary is not None:
        ids = vocabulary.below(rows)
        known = [(i, ids[a]) for i, a in enumerate(ANCHORS) if a in ids]
    if len(known) >= LEAST_ANCHORS or not rows:
        return "tokens", known[:count]
    return "rows", [(row, row) for row in numbered_rows(rows, count)]


def numbered_rows(rows: int, count: int) -> tuple[int, ...]:
    """Numbers of ``count`` evenly spaced rows of a table; all rows of a smaller one.

    Examples
    --------
    >>> numbered_rows(10, 4), numbered_rows(3, 4)
    ((0, 2, 5, 7), (0, 1, 2))
    """
    most = min(rows, count)
    return tuple(i * rows // most for i in range(most))


def known_tokens(record: FingerprintRecord) -> set[int]:
    """Positions in the frozen list of the tokens of a model; empty if its anchors are rows by number."""
    return set(record.anchors) if record.pairing == "tokens" else set()


def shared_anchors(a: FingerprintRecord, b: FingerprintRecord) -> NDArray[np.int64]:
    """Anchors that both models share: tokens, or row numbers of tables of equal size."""
    alike = a.pairing == b.pairing and (a.pairing == "tokens" or a.architecture.vocab == b.architecture.vocab)
    return _common(a.anchors, b.anchors if alike else ())


@lru_cache(maxsize=256)  # most models of a panel or a screen have one of a few lists
def _common(a: tuple[int, ...], b: tuple[int, ...]) -> NDArray[np.int64]:
    first, second = (distinct(np.asarray(anchors, np.int64)) for anchors in (a, b))
    common = np.intersect1d(first, second, assume_unique=True)
    common.flags.writeable = False
    return common
