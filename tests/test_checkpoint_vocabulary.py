"""Token strings of every spelling become the same bytes, so that models can be compared token by token."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.checkpoints import VOCAB, toy, write_checkpoint
from tests.refusals import one_line
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint
from verify.checkpoint.places.place import LocalFolder
from verify.checkpoint.vocabulary import read_vocabulary


def vocabulary(folder: Path, **files: Any) -> dict[bytes, int] | None:
    """The vocabulary of a toy checkpoint with these files (``__`` stands for the dot of the name)."""
    texts = {n.replace("__", "."): v if isinstance(v, str) else json.dumps(v) for n, v in files.items()}
    found = open_checkpoint(write_checkpoint(folder, toy(), files=texts)).vocabulary()
    return None if found is None else found.below(VOCAB)


def test_no_tokenizer_is_no_vocabulary(tmp_path: Path) -> None:
    """Absent is not damaged."""
    assert vocabulary(tmp_path) is None


def test_byte_level_spellings_are_bytes(tmp_path: Path) -> None:
    """GPT-2 writes each byte as a visible character; a tokenizer that says ByteLevel is read so."""
    vocab = {"Ġthe": 1, "Ċ": 2, "Ã©": 3, "a": 4}
    expected = {b" the": 1, b"\n": 2, "é".encode(): 3, b"a": 4}
    for part in ("pre_tokenizer", "decoder"):
        content = {"model": {"type": "BPE", "vocab": vocab}, part: {"type": "ByteLevel"}}
        assert vocabulary(tmp_path / part, tokenizer__json=content) == expected
    nested = {"type": "Sequence", "pretokenizers": [{"type": "Split"}, {"type": "ByteLevel"}]}
    content = {"model": {"type": "BPE", "vocab": vocab}, "pre_tokenizer": nested}
    assert vocabulary(tmp_path / "nested", tokenizer__json=content) == expected
    assert vocabulary(tmp_path / "plain", vocab__json=vocab) == expected


def test_every_byte_has_one_byte_level_spelling(tmp_path: Path) -> None:
    """The 256 characters of GPT-2's table are the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    characters = [chr(b) for b in printable] + [chr(256 + n) for n in range(len(rest))]
    content = {
        "model": {"type": "BPE", "vocab": {c: i % VOCAB for i, c in enumerate(characters)}},
        "decoder": {"type": "ByteLevel"},
    }
    found = vocabulary(tmp_path, tokenizer__json=content)
    assert found == {bytes([b]): i % VOCAB for i, b in enumerate([*printable, *rest])}


def test_sentencepiece_spellings_are_bytes(tmp_path: Path) -> None:
    """U+2581 is a space and <0x0A> a byte, in dictionaries, score lists and plain vocab.json."""
    vocab = {"▁the": 0, "<0x0A>": 1, "é": 2}
    expected = {b" the": 0, b"\n": 1, "é".encode(): 2}
    assert vocabulary(tmp_path / "bpe", tokenizer__json={"model": {"type": "BPE", "vocab": vocab}}) == expected
    scores = [[token, -1.0] for token in vocab]
    assert vocabulary(tmp_path / "uni", tokenizer__json={"model": {"type": "Unigram", "vocab": scores}}) == expected
    assert vocabulary(tmp_path / "plain", vocab__json=vocab) == expected


def test_wordpiece_spellings_are_bytes(tmp_path: Path) -> None:
    """A continuation is bare, a word begins with a space, and bracketed specials are no text."""
    expected = {b" the": 1, b"ing": 2, b" ##": 3}
    vocab = {"[CLS]": 0, "the": 1, "##ing": 2, "##": 3}
    content = {"model": {"type": "WordPiece", "vocab": vocab}}
    assert vocabulary(tmp_path / "json", tokenizer__json=content) == expected
    assert vocabulary(tmp_path / "txt", vocab__txt="[CLS]\nthe\n##ing\n##\n") == expected


def test_only_a_line_feed_ends_a_line_of_vocab_txt(tmp_path: Path) -> None:
    """Multilingual vocabularies hold U+2028 and U+0085 as tokens; cutting there would shift every later id."""
    assert vocabulary(tmp_path, vocab__txt="\u2028\n\x85\r\nthe\n") == {
        " \u2028".encode(): 0,
        " \x85".encode(): 1,
        b" the": 2,
    }


def test_the_lowest_id_counts_and_ids_beyond_the_embedding_do_not(tmp_path: Path) -> None:
    """Two spellings of the same bytes, and tokens added after training."""
    vocab = {"<0x41>": 7, "A": 5, "late": VOCAB, "last": VOCAB - 1}
    content = {"model": {"type": "BPE", "vocab": vocab}, "added_tokens": [{"id": 3, "content": "<s>"}]}
    assert vocabulary(tmp_path, tokenizer__json=content) == {b"A": 5, b"last": VOCAB - 1}


def test_tokenizer_json_comes_first(tmp_path: Path) -> None:
    """Of several files the most complete is read."""
    content = {"model": {"type": "BPE", "vocab": {"a": 1}}}
    assert vocabulary(tmp_path, tokenizer__json=content, vocab__json={"b": 2}, vocab__txt="c") == {b"a": 1}


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{", "[" * 50_000, {}, {"model": 3}, {"model": {}}, {"model": {"vocab": "abc"}},
        *({"model": {"type": kind, "vocab": {"a": bad}}} for kind in ("BPE", "WordPiece")
          for bad in (-1, True, 1.0, "1", None, [], 2**70)),
        {"model": {"vocab": [3]}}, {"model": {"vocab": ["a"]}}, {"model": {"vocab": [[]]}},
        {"model": {"vocab": [[1, 2]]}},
        {"model": {"vocab": {"a": 1}}, "decoder": json.loads("[" * 200 + "]" * 200)},
    ],
)  # fmt: skip
def test_a_damaged_tokenizer_is_refused(tmp_path: Path, content: Any) -> None:
    """Malformed is an error, in one sentence that names the file."""
    with pytest.raises(CheckpointError, match=r"tokenizer\.json") as caught:
        vocabulary(tmp_path, tokenizer__json=content)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", ["[]", {"a": -1}, {"a": "x"}])
def test_a_damaged_vocab_json_is_refused(tmp_path: Path, content: Any) -> None:
    """The older format likewise."""
    with pytest.raises(CheckpointError, match=r"vocab\.json"):
        vocabulary(tmp_path, vocab__json=content)


def test_a_vocab_txt_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """Bytes that are no text are not guessed at."""
    folder = write_checkpoint(tmp_path, toy())
    (folder / "vocab.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(CheckpointError, match=r"vocab\.txt"):
        open_checkpoint(folder).vocabulary()


@given(st.dictionaries(st.text(max_size=6), st.integers(-1, VOCAB + 2) | st.none() | st.booleans(), max_size=6))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_vocabulary_escapes(tmp_path: Path, vocab: dict[str, Any]) -> None:
    """Any strings and numbers give ids within the embedding, or one sentence."""
    for kind, extra in (("BPE", {}), ("BPE", {"decoder": "ByteLevel"}), ("WordPiece", {})):
        try:
            found = vocabulary(tmp_path, tokenizer__json={"model": {"type": kind, "vocab": vocab}} | extra)
        except CheckpointError as error:
            one_line(error)
        else:
            assert found is not None
            assert all(token and 0 <= number < VOCAB for token, number in found.items())


# Tokenizers of other kinds


def piece(text: bytes, kind: int | None = None) -> bytes:
    """A field of a sentencepiece model: text, a score, and a type unless it is the usual one."""
    body = b"\x0a" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", -1.0)
    body += b"" if kind is None else b"\x18" + bytes([kind])
    return b"\x0a" + bytes([len(body)]) + body


def read(folder: Path, name: str, content: bytes) -> dict[bytes, int]:
    """The tokens of a file of that name."""
    (folder / name).write_bytes(content)
    return read_vocabulary(LocalFolder(folder), name).tokens


def test_pieces_of_a_sentencepiece_model_have_their_place_for_id(tmp_path: Path) -> None:
    """Control and unknown pieces stand for no text; bytes are bytes; what follows the pieces is passed over."""
    pieces = [piece(b"<unk>", 2), piece(b"<s>", 3), piece(b"<0x0A>", 6), piece("\u2581the".encode()), piece(b"a", 4)]
    trainer = b"\x12\x03\x0a\x01x" + b"\x20\x05" + b"\x19" + bytes(8)
    assert read(tmp_path, "tokenizer.model", b"".join(pieces) + trainer) == {b"\n": 2, b" the": 3, b"a": 4}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.model", b"\n\0" * 5_000_000),
        ("tokenizer.model", piece(b"a") * 600_000),
        ("tokenizer.model", b"\n\x80\x80\x80\x04" + b"\x18\x01" * (1 << 22)),
        ("qwen.tiktoken", b"YQ== 1\n" * 2_000_000),
        ("vocab.txt", b"\n" * 5_000_000),
    ],
)
def test_more_tokens_than_anybody_has_are_refused_at_once(tmp_path: Path, name: str, content: bytes) -> None:
    """Before all of them are read."""
    with pytest.raises(CheckpointError, match=name.replace(".", r"\.")):
        read(tmp_path, name, content)


def test_a_tokenizer_model_of_tiktoken_is_lines_of_base64(tmp_path: Path) -> None:
    """As Llama 3 and Qwen published theirs."""
    lines = b"".join(base64.b64encode(token) + b" %d\n" % i for i, token in enumerate((b"!", b" the", b"\xff\n")))
    for name in ("tokenizer.model", "qwen.tiktoken"):
        assert read(tmp_path, name, lines) == {b"!": 0, b" the": 1, b"\xff\n": 2}


def tekken(tokens: list[bytes], **config: Any) -> bytes:
    """A tekken.json of these tokens and this config."""
    vocab = [
        {"rank": i, "token_bytes": base64.b64encode(t).decode(), "token_str": None} for i, t in enumerate(tokens)
    ]
    return json.dumps({"config": config, "vocab": vocab}).encode()


def test_tekken_tokens_come_after_special_ones(tmp_path: Path) -> None:
    """The id of a rank is that many more."""
    content = tekken([b"\0", b"b"], default_num_special_tokens=1000)
    assert read(tmp_path, "tekken.json", content) == {b"\0": 1000, b"b": 1001}


def test_tekken_tokens_past_the_size_of_the_vocabulary_have_no_id(tmp_path: Path) -> None:
    """The published files list 150000, of which mistral-common 1.13.1 keeps the first 131072 - 1000."""
    config = {"default_num_special_tokens": 1000, "default_vocab_size": 1002}
    content = tekken([b"a", b"b", b"ab"], num_vocab_tokens=3, **config)
    assert read(tmp_path, "tekken.json", content) == {b"a": 1000, b"b": 1001}


@pytest.mark.parametrize("size", [-1, True, "1002", None, 1002.0, []])
def test_a_tekken_without_a_sound_size_is_refused(tmp_path: Path, size: Any) -> None:
    """A size that is no count."""
    content = tekken([b"a"], default_num_special_tokens=1000, default_vocab_size=size)
    with pytest.raises(CheckpointError, match=r"default_vocab_size"):
        read(tmp_path, "tekken.json", content)


@pytest.mark.parametrize("name", ["tokenizer.model", "x.tiktoken", "tekken.json", "unknown.json"])
@given(content=st.binary(max_size=60) | st.binary(max_size=40).map(lambda rest: b"\x0a" + rest))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_of_a_tokenizer_escape(tmp_path: Path, name: str, content: bytes) -> None:
    """Any bytes give ids, or one sentence."""
    try:
        found = read(tmp_path, name, content)
    except CheckpointError as error:
        one_line(error)
    else:
        assert all(type(number) is int and number >= 0 for number in found.values())


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    """By its name, before it is opened."""
    with pytest.raises(CheckpointError, match="no tokenizer that is read"):
        read(tmp_path, "notes.md", b"")


def test_a_link_to_nothing_is_no_tokenizer(tmp_path: Path) -> None:
    """The next of the names is looked for."""
    write_checkpoint(tmp_path, toy(), files={"vocab.json": json.dumps({"a": 1})})
    (tmp_path / "tokenizer.json").symlink_to(tmp_path / "gone")
    found = open_checkpoint(tmp_path).vocabulary()
    assert found is not None
    assert (found.file, found.tokens) == ("vocab.json", {b"a": 1})
