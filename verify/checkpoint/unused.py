"""Tokens that no text contains: which tokens of a vocabulary no training can have read, by their names alone.

The table is fixed: it knows names, never weights. A token counts if its spelling says that its maker set it aside
before training, or if it is one of the 13 bytes that no valid UTF-8 text contains (RFC 3629: C0 and C1 would begin an
overlong form, F5 to FF a code point beyond U+10FFFF), as every byte-level and byte-fallback vocabulary has them.

Left out on purpose: ``<extra_id_N>`` (T5 and its kin write them in every example, Nemotron in every chat),
``<reserved_N>`` of Baichuan (two of them open the turns of a chat), ``<|extra_N|>``, and all tokens with words in
them. A token that a later maker took into use under another name has no name of the table any more.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of names of unused tokens."""

    pattern: str
    """Regular expression that a whole name matches."""
    source: str
    """Where such tokens are defined."""


_N = "(?:0|[1-9][0-9]{0,5})"

UNUSED: tuple[Kind, ...] = (
    Kind(rf"\[unused{_N}\]", "vocab.txt of BERT (google-research/bert) and of its kin"),
    Kind(rf"<unused{_N}>", "sentencepiece model of Gemma (google/gemma_pytorch)"),
    Kind(rf"<\|reserved_special_token_{_N}\|>", "tokenizer of Llama 3 and 4 (meta-llama/llama-models)"),
)
"""The names, apart from bytes."""

BYTES = (0xC0, 0xC1, *range(0xF5, 0x100))
"""Bytes that no valid UTF-8 text contains."""

_NAMES = re.compile("|".join(kind.pattern for kind in UNUSED))
_BYTE = re.compile(r"byte (C0|C1|F[5-9A-F])")
_ROW = re.compile(r"row ([0-9]{1,10}) of ([0-9]{1,10}) past ([0-9]{1,10})")


def names_unused(token: str) -> bool:
    """Whether a token, as it is spelled, has a name of the table.

    Examples
    --------
    >>> names_unused("[unused7]"), names_unused("[MASK]"), names_unused("<|reserved_special_token_07|>")
    (True, False, False)
    """
    return _NAMES.fullmatch(token) is not None


def name_of_byte(byte: int) -> str:
    """Name of a byte that no text contains.

    Examples
    --------
    >>> name_of_byte(0xF5)
    'byte F5'
    """
    return f"byte {byte:02X}"


def name_of_row(row: int, rows: int, known: int) -> str:
    """Name of a row of a table of tokens beyond the last token; models of one size and vocabulary share it.

    Parameters
    ----------
    row : its number.
    rows : rows of the table.
    known : rows that the tokenizer has tokens for.

    Examples
    --------
    >>> name_of_row(151700, 151936, 151665)
    'row 151700 of 151936 past 151665'
    """
    return f"row {row} of {rows} past {known}"


def is_name(text: str) -> bool:
    """Whether a text is a name of an unused token: a byte, a token of the table, or a row beyond the last token.

    Examples
    --------
    >>> is_name("byte C0"), is_name("byte C2"), is_name("row 7 of 8 past 6"), is_name("row 5 of 8 past 6")
    (True, False, True, False)
    """
    if (match := _ROW.fullmatch(text)) is not None:
        row, rows, known = map(int, match.groups())
        return known <= row < rows and text == name_of_row(row, rows, known)
    return names_unused(text) or _BYTE.fullmatch(text) is not None
