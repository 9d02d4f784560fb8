"""Tokens that no text contains: which tokens of a vocabulary no training can have read, by their names alone.

The table is fixed: it knows names, never weights. A token counts if it is

- one of the 13 bytes that no valid UTF-8 text contains (RFC 3629: C0 and C1 would begin an overlong form, F5 to FF a
  code point beyond U+10FFFF), as every byte-level and byte-fallback vocabulary has them; Land and Bartolo (2024,
  arXiv 2405.05417) take the latter as the reference of untrained tokens;
- in a byte-fallback vocabulary, an ASCII byte whose character has a token of its own, so that no text falls back;
- a number of a series that its maker set aside before training, without the first and the last ten, which others
  take into use without renaming them: ``<|reserved_special_token_0|>`` marks turns and ``<SPECIAL_999>`` pads in
  models of other makers, ``<unused94>`` opens MedGemma's thoughts;
- a row of the table beyond the last token.

Left out on purpose: ``<extra_id_N>`` (T5 and its kin write them in every example, Nemotron in every chat),
Baichuan's ``<reserved_N>`` and InternLM2's ``[UNUSED_TOKEN_N]`` (some open the turns of a chat), Hunyuan's
placeholders (in every prompt), and fairseq's ``madeupword``, of which there are few. A token that a later maker
renamed is in no series.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Series(NamedTuple):
    """Numbered tokens that the maker of a vocabulary set aside."""

    before: str
    """Text before the number."""
    after: str
    """Text behind it."""
    first: int
    last: int
    source: str
    """Who defines them."""

    def holds(self, token: str) -> bool:
        """Whether a token is of the series, and neither of its first nor of its last numbers."""
        number = token.removeprefix(self.before).removesuffix(self.after)
        if token != self.before + number + self.after or _NUMBER.fullmatch(number) is None:
            return False
        return self.first + TAKEN <= int(number) <= self.last - TAKEN


_NUMBER = re.compile("0|[1-9][0-9]{0,6}")

TAKEN = 10
"""Numbers at either end of a series that do not count."""

SERIES: tuple[Series, ...] = (
    Series("[unused", "]", 0, 993, "vocab.txt of BERT (google-research/bert), and of multilingual BERT up to 99"),
    Series("<unused", ">", 0, 98, "tokenizer of Gemma (google/gemma_pytorch)"),
    Series("<|reserved_special_token_", "|>", 0, 247, "tokenizer of Llama 3 (meta-llama/llama3); 3.0 has three more"),
    Series("<|reserved_", "|>", 200013, 201087, "o200k_harmony of gpt-oss (openai/harmony)"),
    Series("<|reserved_token_", "|>", 163594, 163839, "tokenizer of Kimi K2 and Moonlight (MoonshotAI)"),
    Series("<|dummy_", "|>", 0, 84, "tokenizer of Phi-4 (microsoft/phi-4)"),
    Series("<SPECIAL_", ">", 100, 999, "tekken.json of Mistral (mistralai/mistral-common)"),
    Series("[control_", "]", 20, 768, "tokenizer.model of Mistral from version 3 on (mistralai/mistral-common)"),
    Series("<｜place▁holder▁no▁", "｜>", 0, 795, "tokenizer of DeepSeek V3 (deepseek-ai/DeepSeek-V3)"),
    Series(">>UNUSED_", "<<", 100, 1900, "tokenizer of Falcon 3 (tiiuae)"),
)
"""The series."""

_BEFORE = tuple(series.before for series in SERIES)

BYTES = (0xC0, 0xC1, *range(0xF5, 0x100))
"""Bytes that no valid UTF-8 text contains."""

_BYTE = re.compile(r"byte (?:C0|C1|F[5-9A-F]|[0-7][0-9A-F])")
_ROW = re.compile(r"row ([0-9]{1,10}) of ([0-9]{1,10}) past ([0-9]{1,10})")


def names_unused(token: str) -> bool:
    """Whether a token, as it is spelled, is of a series.

    Examples
    --------
    >>> names_unused("[unused70]"), names_unused("[unused7]"), names_unused("[MASK]"), names_unused("[unused070]")
    (True, False, False, False)
    """
    return token.startswith(_BEFORE) and any(series.holds(token) for series in SERIES)


def name_of_byte(byte: int) -> str:
    """Name of a token that is a single byte.

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


def kind_of(name: str) -> str:
    """Kind of an unused token: bytes of no text, bytes whose character has a token, a series, or rows past the last.

    Rows of one kind are made and treated alike; those of two kinds may not be.

    Examples
    --------
    >>> kind_of("byte F5"), kind_of("byte 41"), kind_of("[unused70]"), kind_of("row 7 of 8 past 6")
    ('bytes of no text', 'other bytes', '[unused', 'rows past the last token')
    """
    if _ROW.fullmatch(name):
        return "rows past the last token"
    if _BYTE.fullmatch(name):
        return "bytes of no text" if int(name.removeprefix("byte "), 16) in BYTES else "other bytes"
    return next((series.before for series in SERIES if series.holds(name)), "")


def is_name(text: str) -> bool:
    """Whether a text may name an unused token: a byte, a token of a series, or a row beyond the last token.

    Examples
    --------
    >>> is_name("byte C0"), is_name("byte C2"), is_name("row 7 of 8 past 6"), is_name("row 5 of 8 past 6")
    (True, False, True, False)
    """
    if (match := _ROW.fullmatch(text)) is not None:
        row, rows, known = map(int, match.groups())
        return known <= row < rows and text == name_of_row(row, rows, known)
    return names_unused(text) or _BYTE.fullmatch(text) is not None
