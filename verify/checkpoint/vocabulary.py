"""Token strings as bytes, whatever way a tokenizer spells them.

Byte-level BPE spells every byte as a visible character; sentencepiece writes a space as U+2581 and rare
bytes as <0x0A>; WordPiece marks continuations with ## and means a space before everything else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from ..base import CheckpointError
from .hostile import parse_json_object
from .place import Place

_LARGEST = 1 << 24  # tokens


def vocabulary(place: Place, size: int) -> dict[bytes, int] | None:
    """Token bytes to token id, for ids below ``size``; None where the folder has no tokenizer.

    Of several spellings of the same bytes the lowest id counts.

    Raises
    ------
    CheckpointError
        If a tokenizer file is damaged or not understood.
    """
    present = place.names()
    for file, read in (
        ("tokenizer.json", _tokenizer_json),
        ("vocab.json", _vocab_json),
        ("vocab.txt", _vocab_txt),
    ):
        if file in present:
            pairs, spell = read(file, place.small(file))
            return _by_bytes(file, pairs, spell, size)
    return None


def spelled(name: str, tokens: list[str], spelling: str) -> dict[bytes, int] | None:
    """Token bytes to id, of a list of tokens as GGUF spells them; None where the spelling is not known."""
    spell = {"gpt2": _byte_level, "llama": _sentencepiece, "t5": _sentencepiece, "bert": _phantom}.get(spelling)
    return None if spell is None else _by_bytes(name, zip(tokens, range(len(tokens)), strict=True), spell, _LARGEST)


Spelling = Callable[[str], bytes | None]
Tokens = tuple[Iterable[tuple[Any, Any]], Spelling]


def _by_bytes(file: str, pairs: Iterable[tuple[Any, Any]], spell: Spelling, size: int) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for token, number in pairs:
        if not isinstance(token, str) or type(number) is not int or not 0 <= number < _LARGEST:
            raise CheckpointError(
                f"{file} maps {token!r:.60} to {number!r:.60}; expected a string and a count of tokens."
            )
        text = spell(token)
        if text and number < size and number < found.get(text, size):
            found[text] = number
    return found


def _tokenizer_json(name: str, text: bytes) -> Tokens:
    content = parse_json_object(text, name)
    model = content.get("model")
    vocab = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocab, list):
        pairs = [(row[0] if isinstance(row, list) and row else None, i) for i, row in enumerate(vocab)]
        return pairs, _sentencepiece
    if not isinstance(vocab, dict) or not isinstance(model, dict):
        raise CheckpointError(f"{name} has no vocabulary under model.vocab; obtain the file again.")
    if model.get("type") == "WordPiece":
        return vocab.items(), _wordpiece
    layers = json.dumps([content.get("pre_tokenizer"), content.get("decoder")])
    return vocab.items(), _byte_level if "ByteLevel" in layers else _sentencepiece


def _vocab_json(name: str, text: bytes) -> Tokens:
    vocab = parse_json_object(text, name)
    return vocab.items(), _byte_level if any("\u0120" in token for token in vocab) else _sentencepiece


def _vocab_txt(name: str, text: bytes) -> Tokens:
    try:
        lines = text.decode("utf-8").split("\n")  # splitlines would also cut at U+2028 and the like
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{name} is not a UTF-8 list of tokens; obtain the file again.") from error
    return ((line.rstrip("\r"), i) for i, line in enumerate(lines)), _wordpiece


def _visible_bytes() -> dict[str, int]:
    """The visible character that byte-level BPE writes for each byte (GPT-2)."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    return {chr(b): b for b in visible} | {chr(256 + n): b for n, b in enumerate(hidden)}


_BYTE_OF = _visible_bytes()


def _byte_level(token: str) -> bytes | None:
    codes = [_BYTE_OF.get(c) for c in token]
    return None if None in codes else bytes(c for c in codes if c is not None)


def _sentencepiece(token: str) -> bytes | None:
    if match := re.fullmatch(r"<0x([0-9A-Fa-f]{2})>", token):
        return bytes([int(match[1], 16)])
    return token.replace("\u2581", " ").encode("utf-8", "surrogatepass")


def _wordpiece(token: str) -> bytes | None:
    if not token or (re.fullmatch(r"\[.*\]", token) and len(token) > 2):
        return None  # nothing after the last line feed of vocab.txt; special tokens are no text
    text = token[2:] if token.startswith("##") and len(token) > 2 else " " + token
    return text.encode("utf-8", "surrogatepass")


def _phantom(token: str) -> bytes | None:
    """WordPiece with a space before what begins a word, instead of a mark before what does not."""
    special = re.fullmatch(r"\[.*\]", token) and len(token) > 2
    return None if special else token.replace("\u2581", " ").encode("utf-8", "surrogatepass")
