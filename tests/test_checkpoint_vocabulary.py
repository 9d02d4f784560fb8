"""Token strings of every spelling become the same bytes, so that models can be compared token by token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.checkpoints import VOCAB, toy, write_checkpoint
from tests.test_checkpoint_hostile import one_line
from verify.base import CheckpointError
from verify.checkpoint import open_checkpoint


def vocabulary(folder: Path, **files: Any) -> dict[bytes, int] | None:
    """The vocabulary of a toy checkpoint with these files (``__`` stands for the dot of the name)."""
    texts = {n.replace("__", "."): v if isinstance(v, str) else json.dumps(v) for n, v in files.items()}
    return open_checkpoint(write_checkpoint(folder, toy(), files=texts)).vocabulary()


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
