"""Read tokenizers: tokens as bytes, however the tokenizer spells them, and the tokens that no text contains.

Byte-level BPE spells every byte as a visible character; sentencepiece writes a space as U+2581 and rare
bytes as <0x0A>; WordPiece marks continuations with ## and means a space before everything else.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from ..base import CheckpointError, DamagedError, HostileError, NotFoundError, UnsupportedError
from .hostile import parse_json_object
from .places.place import Storage
from .unused import BYTES, name_of_byte, name_of_row, names_unused

LOOKED_FOR = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "tekken.json",
    "tokenizer.model",
    "spiece.model",
    "spm.model",
    "tiktoken.model",
    "*.tiktoken",
)
"""Names of tokenizer files, in order of preference."""

_LARGEST = 1 << 24  # tokens
_MOST_PIECES = 1 << 19  # of a list or a sentencepiece model; the largest published have 262144
_MOST_FIELDS = 16  # of a piece; there are three
_NO_TEXT = (2, 3, 5)  # types of pieces without text: unknown, control, unused
_MOST_BEYOND = 1 << 12  # rows that get names though no token has one; Qwen 2.5 has 271, and tekken.json 1000


@dataclass(frozen=True)
class Vocabulary:
    """The content of a tokenizer file."""

    file: str
    """Its name."""
    tokens: dict[bytes, int]
    """Ids by token bytes; for several spellings of the same bytes, that of the text, else the lowest."""
    unused: dict[str, int] = field(default_factory=dict)
    """Ids of the tokens that no text contains, by name (``unused``)."""
    known: int | None = None
    """One more than the highest id; None if tokens may have been named elsewhere."""

    def unused_rows(self, size: int) -> dict[str, int]:
        """Rows that no text reads, by name: of unused tokens, and rows of a table of ``size`` past the last token."""
        rows = {name: number for name, number in self.unused.items() if number < size}
        if self.known is not None:
            beyond = range(self.known, min(size, self.known + _MOST_BEYOND))
            rows |= {name_of_row(row, size, self.known): row for row in beyond}
        return rows

    def below(self, size: int) -> dict[bytes, int]:
        """Tokens with ids below ``size``, the number of rows of a table."""
        return {token: number for token, number in self.tokens.items() if number < size}


def vocabulary(place: Storage) -> Vocabulary | None:
    """The tokenizer of a folder; None if it has none.

    Raises
    ------
    CheckpointError
        If a tokenizer file is damaged or not understood.
    """
    present = place.list_files()
    for kind in LOOKED_FOR:
        for name in (name for name in present if name == kind or (kind[0] == "*" and name.endswith(kind[1:]))):
            try:
                return read_vocabulary(place, name)
            except NotFoundError:  # a dangling link, or a folder
                continue
    return None


def read_vocabulary(place: Storage, name: str) -> Vocabulary:
    """One tokenizer file.

    Raises
    ------
    CheckpointError
        If it is damaged or not understood.
    """
    kind = name if name in _READERS else PurePosixPath(name).suffix.lower()
    if kind not in _READERS:
        raise UnsupportedError(f"{name!r:.120} is no tokenizer that is read; expected {', '.join(LOOKED_FOR)}.")
    tokens = _READERS[kind](name, place.read_bytes(name))
    try:
        return _vocabulary(name, tokens._replace(special=[*tokens.special, *_beside(place)]))
    except _BesideError:  # it may name any row
        return _vocabulary(name, tokens._replace(whole=False))


class _BesideError(Exception):
    """A file beside the tokenizer cannot be read."""


def _beside(place: Storage) -> list[tuple[Any, Any]]:
    """Tokens added by the files that older tokenizers keep beside the vocabulary, and ids.

    Raises
    ------
    _BesideError
        If one is damaged.
    """
    found: list[tuple[Any, Any]] = []
    for name in sorted({"added_tokens.json", "tokenizer_config.json"} & set(place.list_files())):
        try:
            content = parse_json_object(place.read_bytes(name), name)
            if name == "added_tokens.json":
                found += content.items()
            elif isinstance(decoder := content.get("added_tokens_decoder", {}), dict):
                found += [(token["content"], int(number)) for number, token in decoder.items()]
        except NotFoundError:  # a dangling link
            continue
        except (CheckpointError, LookupError, TypeError, ValueError) as error:
            raise _BesideError from error
    return found


def spelled(name: str, tokens: list[str], spelling: str) -> Vocabulary | None:
    """The vocabulary of a list of tokens in a GGUF spelling; None if the spelling is unknown.

    The converter fills rows past the last token with ``[PAD0]`` and so on, by number of the row.

    Parameters
    ----------
    name : name of the list, for messages.
    tokens : tokens in the order of their ids.
    spelling : GGUF's name of the tokenizer, such as ``gpt2``.

    Returns
    -------
    Vocabulary or None
        None for an unknown spelling.
    """
    spell = {"gpt2": _byte_level, "llama": _sentencepiece, "t5": _sentencepiece, "bert": _phantom}.get(spelling)
    if spell is None:
        return None
    known = len(tokens)
    while known and tokens[known - 1] == f"[PAD{known - 1}]":
        known -= 1
    return _vocabulary(name, Tokens(zip(tokens[:known], range(known), strict=True), spell, whole=True))


Spelling = Callable[[str], bytes | None]


class Tokens(NamedTuple):
    """What a tokenizer file lists."""

    pairs: Iterable[tuple[Any, Any]]
    """Tokens as spelled, and ids."""
    spell: Spelling
    special: Iterable[tuple[Any, Any]] = ()
    """Tokens without text, and those added to the vocabulary, and ids."""
    whole: bool = False
    """Whether no token of the model can be named elsewhere."""


def _vocabulary(file: str, tokens: Tokens) -> Vocabulary:
    found: dict[bytes, int] = {}
    fallback: dict[bytes, int] = {}
    named: dict[str, int] = {}
    first: dict[int, str] = {}
    shared = set[int]()
    spell, falls_back = tokens.spell, tokens.spell is _sentencepiece
    for token, number in tokens.pairs:
        if not isinstance(token, str) or type(number) is not int or not 0 <= number < _LARGEST:
            raise DamagedError(
                f"{file} maps {token!r:.60} to {number!r:.60}; expected a string and a count of tokens."
            )
        if first.setdefault(number, token) != token:
            shared.add(number)
        text = spell(token)
        if text:
            kind = fallback if falls_back and _FALLBACK.fullmatch(token) else found
            if number < kind.get(text, _LARGEST):
                kind[text] = number
        if names_unused(token):
            named[token] = number
    highest = max(first, default=-1)
    for token, number in tokens.special:
        if isinstance(token, str) and type(number) is int and 0 <= number < _LARGEST:
            highest = max(highest, number)
            if first.setdefault(number, token) != token:
                shared.add(number)
            if names_unused(token):
                named[token] = number
    in_no_text = [text for text in fallback if text in found] + [bytes([byte]) for byte in BYTES]
    found, alone = fallback | found, found | fallback  # a byte has a token of its own only for want of another
    named |= {name_of_byte(text[0]): alone[text] for text in in_no_text if text in alone}
    times = Counter(named.values())
    unused = {name: number for name, number in named.items() if number not in shared and times[number] == 1}
    return Vocabulary(file, found, unused, highest + 1 if tokens.whole else None)


def _tokenizer_json(name: str, text: bytes) -> Tokens:
    content = parse_json_object(text, name)
    model = content.get("model")
    vocab = model.get("vocab") if isinstance(model, dict) else None
    special = _listed(content.get("added_tokens"), "content", "id")
    if isinstance(vocab, list):
        pairs = [(row[0] if isinstance(row, list) and row else None, i) for i, row in enumerate(vocab)]
        return Tokens(pairs, _sentencepiece, special, whole=True)
    if not isinstance(vocab, dict) or not isinstance(model, dict):
        raise DamagedError(f"{name} has no vocabulary under model.vocab; obtain the file again.")
    layers = json.dumps([content.get("pre_tokenizer"), content.get("decoder")])
    spell = _byte_level if "ByteLevel" in layers else _sentencepiece
    if model.get("type") == "WordPiece":
        spell = _wordpiece
    return Tokens(vocab.items(), spell, special, whole=True)


def _listed(rows: Any, name: str, number: str) -> list[tuple[Any, Any]]:
    """Special tokens in a list of JSON objects, and their ids."""
    rows = rows if isinstance(rows, list) else []
    return [(row.get(name), row.get(number)) for row in rows if isinstance(row, dict)]


def _vocab_json(name: str, text: bytes) -> Tokens:
    vocab = parse_json_object(text, name)
    return Tokens(vocab.items(), _byte_level if any("\u0120" in token for token in vocab) else _sentencepiece)


def _vocab_txt(name: str, text: bytes) -> Tokens:
    _check_lines(name, text)
    try:
        lines = text.decode("utf-8").split("\n")  # splitlines would also cut at U+2028 and the like
    except UnicodeDecodeError as error:
        raise DamagedError(f"{name} is not a UTF-8 list of tokens; obtain the file again.") from error
    return Tokens(((line.rstrip("\r"), i) for i, line in enumerate(lines)), _wordpiece)


def _tekken(name: str, text: bytes) -> Tokens:
    """Mistral's format: special tokens, then byte strings in base64 by rank.

    The published ones list more tokens than the tokenizer has; those whose id is ``default_vocab_size`` or more
    are never used. Special tokens without a name are ``<SPECIAL_20>`` and so on, by id (mistral-common).
    """
    content = parse_json_object(text, name)
    config, vocab = content.get("config"), content.get("vocab")
    special = config.get("default_num_special_tokens") if isinstance(config, dict) else None
    if not isinstance(vocab, list) or type(special) is not int or not 0 <= special < _LARGEST:
        raise DamagedError(f"{name} has no list vocab with default_num_special_tokens; obtain the file again.")
    size = config.get("default_vocab_size", _LARGEST) if isinstance(config, dict) else None
    if type(size) is not int or size < 0:
        raise DamagedError(f"{name} has no count of tokens under default_vocab_size; obtain the file again.")
    try:
        pairs = [(_of_base64(row["token_bytes"]), row["rank"] + special) for row in vocab]
        own = _listed(content.get("special_tokens"), "token_str", "rank")
        rest = set(range(min(special, _MOST_BEYOND))).difference(number for _, number in own)
        own += [(f"<SPECIAL_{number}>", number) for number in sorted(rest)]
        return Tokens([(token, number) for token, number in pairs if number < size], _as_bytes, own)
    except (LookupError, TypeError, ValueError) as error:
        raise DamagedError(f"{name} has a token without rank or bytes in base64; obtain it again.") from error


def _model(name: str, content: bytes) -> Tokens:
    """``tokenizer.model``: a sentencepiece model, or lines of base64 and rank as in tiktoken."""
    if content[:1] == b"\n":  # field 1 of a message; base64 never begins so
        pieces = list(_pieces(name, content))
        pairs = ((text, i) for i, (text, kind) in enumerate(pieces) if kind not in _NO_TEXT)
        special = ((text, i) for i, (text, kind) in enumerate(pieces) if kind in _NO_TEXT)
        return Tokens(pairs, _sentencepiece, special)
    _check_lines(name, content)
    try:
        lines = [line.split(b" ") for line in content.splitlines() if line]
        return Tokens([(_of_base64(token), int(rank)) for token, rank in lines], _as_bytes)
    except ValueError as error:
        raise DamagedError(
            f"{name} is neither a sentencepiece model nor lines of base64 and rank; obtain the file again."
        ) from error


def _check_lines(name: str, content: bytes) -> None:
    if (lines := content.count(b"\n")) > _MOST_PIECES:
        raise HostileError(f"{name} has {lines} lines; expected a token a line, at most {_MOST_PIECES}.")


def _pieces(name: str, content: bytes) -> Iterator[tuple[str, object]]:
    """Pieces of a sentencepiece model in the order of their ids: field 1, repeated, with text (1) and type (3)."""
    for tag, value in _fields(name, content, _MOST_PIECES):
        if tag != 1 or not isinstance(value, bytes):
            continue
        piece = dict(_fields(name, value, _MOST_FIELDS))
        text, kind = piece.get(1), piece.get(3, 1)
        if not isinstance(text, bytes):
            raise _damaged(name)
        yield text.decode("utf-8", "surrogateescape"), kind


def _fields(name: str, message: bytes, most: int) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field, at most ``most`` (https://protobuf.dev/programming-guides/encoding)."""
    at = seen = 0
    while at < len(message):
        if (seen := seen + 1) > most:
            raise _damaged(name)
        tag, at = _varint(name, message, at)
        wire, size = tag & 7, {1: 8, 5: 4}.get(tag & 7, 0)
        if wire == 0:
            value, at = _varint(name, message, at)
            yield tag >> 3, value
            continue
        if wire == 2:
            size, at = _varint(name, message, at)
        elif not size:
            raise _damaged(name)
        if at + size > len(message):
            raise _damaged(name)
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(name: str, message: bytes, at: int) -> tuple[int, int]:
    """A varint (7 bits per byte, lowest first), and its end."""
    if at < len(message) and message[at] < 128:  # the usual case
        return message[at], at + 1
    value = 0
    for i, byte in enumerate(message[at : at + 10]):
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value, at + i + 1
    raise _damaged(name)


def _damaged(name: str) -> CheckpointError:
    return DamagedError(f"{name} is no sound sentencepiece model; obtain the file again.")


def _of_base64(text: str | bytes) -> str:
    """Bytes as the characters of the same numbers."""
    return b64decode(text, validate=True).decode("latin-1")


def _as_bytes(token: str) -> bytes:
    return token.encode("latin-1")


def _json(name: str, text: bytes) -> Tokens:
    """A JSON file of one of the three kinds, under another name."""
    content = parse_json_object(text, name)
    if isinstance(content.get("model"), dict):
        return _tokenizer_json(name, text)
    return (_tekken if isinstance(content.get("vocab"), list) else _vocab_json)(name, text)


def _visible_bytes() -> dict[str, int]:
    """The visible character that byte-level BPE writes for each byte (GPT-2)."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    return {chr(b): b for b in visible} | {chr(256 + n): b for n, b in enumerate(hidden)}


_BYTE_OF = _visible_bytes()
_SPELLED = {i: chr(_BYTE_OF[chr(i)]) if chr(i) in _BYTE_OF else "\uffff" for i in range(512)}
"""Byte-level characters to those that Latin-1 writes as their bytes; others to one that it lacks."""
_FALLBACK = re.compile("<0x([0-9A-Fa-f]{2})>")


def _byte_level(token: str) -> bytes | None:
    try:
        return token.translate(_SPELLED).encode("latin-1")
    except UnicodeEncodeError:  # a character that stands for no byte
        return None


def _sentencepiece(token: str) -> bytes | None:
    if match := _FALLBACK.fullmatch(token):
        return bytes([int(match[1], 16)])
    return token.replace("\u2581", " ").encode("utf-8", "surrogatepass")


def _wordpiece(token: str) -> bytes | None:
    if not token or (re.fullmatch(r"\[.*\]", token) and len(token) > 2):
        return None  # empty last line of vocab.txt; special tokens have no text
    text = token[2:] if token.startswith("##") and len(token) > 2 else " " + token
    return text.encode("utf-8", "surrogatepass")


def _phantom(token: str) -> bytes | None:
    """WordPiece with a space before the beginning of a word, instead of a mark before continuations."""
    special = re.fullmatch(r"\[.*\]", token) and len(token) > 2
    return None if special else token.replace("\u2581", " ").encode("utf-8", "surrogatepass")


_READERS: dict[str, Callable[[str, bytes], Tokens]] = {
    "tokenizer.json": _tokenizer_json,
    "vocab.json": _vocab_json,
    "tekken.json": _tekken,
    ".json": _json,
    ".txt": _vocab_txt,
    ".model": _model,
    ".tiktoken": _model,
}
"""Readers by file name, else by suffix."""
