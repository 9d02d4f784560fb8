"""Tokens that no text contains are found by name in every format of tokenizers, and nothing else is."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unused_models import tokenizer
from verify.checkpoint.places.place import LocalFolder
from verify.checkpoint.unused import BYTES, SERIES, TAKEN, is_name, name_of_byte, name_of_row, names_unused
from verify.checkpoint.vocabulary import Vocabulary, read_vocabulary, spelled

ALL_BYTES = {name_of_byte(byte) for byte in BYTES}


def found(folder: Path, name: str, content: Any) -> Vocabulary:
    """The vocabulary in a file of this name."""
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return read_vocabulary(LocalFolder(folder), name)


def bpe(vocabulary: dict[str, int], *added: tuple[str, int], level: bool = False) -> dict[str, Any]:
    """A ``tokenizer.json``."""
    rows = [{"content": token, "id": number} for token, number in added]
    layers = {"decoder": {"type": "ByteLevel"}} if level else {}
    return {"model": {"type": "BPE", "vocab": vocabulary}, "added_tokens": rows, **layers}


@given(st.integers(0, 255))
def test_no_text_contains_the_bytes(byte: int) -> None:
    """Those of the table are exactly the bytes that appear in the UTF-8 form of no character."""
    every = {b for point in (0, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF, 0x10000, 0x10FFFF) for b in chr(point).encode()}
    leading = {chr(point).encode()[0] for point in range(0, 0x110000, 64) if not 0xD800 <= point < 0xE000}
    written = every | leading | set(range(0x80)) | set(range(0x80, 0xC0))
    assert (byte in BYTES) == (byte not in written)


def test_byte_level_vocabularies_have_the_bytes(tmp_path: Path) -> None:
    """By whatever character GPT-2 spells them; a text token of the same look is another."""
    assert {*found(tmp_path, "tokenizer.json", tokenizer(series=range(0))).unused} == ALL_BYTES
    ranks = "".join(f"{base64.b64encode(bytes([b])).decode()} {b}\n" for b in range(256))
    assert {*found(tmp_path, "a.tiktoken", ranks).unused} == ALL_BYTES
    vocab = [{"rank": b, "token_bytes": base64.b64encode(bytes([b])).decode()} for b in range(256)]
    tekken = {"config": {"default_num_special_tokens": 1000}, "vocab": vocab}
    rows = found(tmp_path, "tekken.json", tekken).unused
    assert {*rows} == ALL_BYTES | {f"<SPECIAL_{n}>" for n in range(110, 990)}
    assert (rows["byte C0"], rows["<SPECIAL_500>"]) == (1192, 500)
    assert found(tmp_path, "tokenizer.json", bpe({"À": 3, "õ": 4})).unused == {}


def test_a_byte_that_no_text_falls_back_to_is_unused(tmp_path: Path) -> None:
    """The anchor of a character is the token that texts have, whichever number is lower."""
    vocabulary = {"<0x41>": 1, "<0x42>": 2, "<0xC0>": 3, "A": 9, "\u2581": 8, "<0x20>": 4}
    read = found(tmp_path, "tokenizer.json", bpe(vocabulary))
    assert read.unused == {"byte 41": 1, "byte C0": 3, "byte 20": 4}
    assert read.tokens == {b"A": 9, b"B": 2, b"\xc0": 3, b" ": 8}


def test_series_count_without_their_ends(tmp_path: Path) -> None:
    """As tokens of the vocabulary, or added to it; renamed ones are gone."""
    added = [("<|reserved_special_token_9|>", 5), ("<|reserved_special_token_10|>", 6), ("<|eot_id|>", 7)]
    assert found(tmp_path, "tokenizer.json", bpe({"a": 0}, *added)).unused == {"<|reserved_special_token_10|>": 6}
    assert found(tmp_path, "vocab.txt", "[PAD]\n[unused9]\n[unused10]\nthe\n").unused == {"[unused10]": 2}
    for series in SERIES:
        names = [f"{series.before}{n}{series.after}" for n in range(series.first, series.last + 1)]
        assert [names_unused(name) for name in names].count(True) == len(names) - 2 * TAKEN
        assert not names_unused(f"{series.before}0{series.first + TAKEN}{series.after}")
        assert not names_unused(f"{series.before}{series.first + TAKEN}{series.after} ")


def test_a_token_with_two_names_is_in_use(tmp_path: Path) -> None:
    """An added token takes a number of the vocabulary into use; one number under two names is nobody's."""
    vocabulary = {"[unused20]": 3, "[unused21]": 4, "[unused22]": 4, "[unused23]": 5}
    assert found(tmp_path, "tokenizer.json", bpe(vocabulary, ("<|im_start|>", 3))).unused == {"[unused23]": 5}


def test_rows_past_the_last_token_need_a_whole_list(tmp_path: Path) -> None:
    """``tokenizer.json`` lists added tokens too; a list of ranks or pieces may not."""
    read = found(tmp_path, "tokenizer.json", bpe({"a": 0}, ("<|im_start|>", 5)))
    assert read.unused_rows(8) == {name_of_row(row, 8, 6): row for row in (6, 7)}
    assert read.unused_rows(6) == {}
    assert found(tmp_path, "vocab.json", {"a": 0}).unused_rows(8) == {}
    assert len(read.unused_rows(1 << 31)) == 1 << 12


def test_gguf_fills_rows_past_the_last_token(tmp_path: Path) -> None:
    """Its converter names them; the same model in safetensors has the same rows by the same names."""
    read = spelled("x", ["a", "[unused20]", "[PAD2]", "b", "[PAD4]", "[PAD5]"], "gpt2")
    assert read is not None
    other = found(tmp_path, "tokenizer.json", bpe({"a": 0, "[unused20]": 1, "[PAD2]": 2, "b": 3}))
    assert read.unused_rows(6) == other.unused_rows(6) == {
        "[unused20]": 1,
        "row 4 of 6 past 4": 4,
        "row 5 of 6 past 4": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    "added",
    [
        3,
        {},
        [3],
        [[]],
        [{}],
        [{"content": 3, "id": 1}],
        [{"content": "[unused20]", "id": x} for x in (-1, 2**70, "1")],
    ],
)
def test_odd_added_tokens_are_no_tokens(tmp_path: Path, added: Any) -> None:
    """A file that was read before it mattered is still read."""
    content = {"model": {"type": "BPE", "vocab": {"a": 0}}, "added_tokens": added}
    assert found(tmp_path, "tokenizer.json", content).unused == {}


@given(st.text(max_size=40))
def test_few_texts_are_names(text: str) -> None:
    """What is no name of the table is refused in a fingerprint."""
    assert not is_name(text) or names_unused(text) or text.startswith(("byte ", "row "))
    assert is_name("row 7 of 9 past 5")
    assert not is_name("row 07 of 9 past 5")


@pytest.mark.parametrize("inside", [True, False], ids=["in the vocabulary", "added"])
def test_a_name_on_the_row_of_another_token_is_not_unused(tmp_path: Path, inside: bool) -> None:
    """Whoever lists unused names on rows that text reads would align the rows of strangers by meaning."""
    vocab = {"a": 0, "b": 1, "[unused20]": 2}
    aliases = {"[unused21]": 0, "[unused22]": 1}
    content = bpe(vocab | aliases) if inside else bpe(vocab, *aliases.items())
    assert found(tmp_path, "tokenizer.json", content).unused == {"[unused20]": 2}


BESIDE = {
    "added_tokens.json": {"<tool>": 3, "<|reserved_special_token_30|>": 1},
    "tokenizer_config.json": {
        "added_tokens_decoder": {"3": {"content": "<tool>"}, "1": {"content": "<|reserved_special_token_30|>"}}
    },
}


@pytest.mark.parametrize("name", BESIDE)
def test_tokens_named_in_a_file_beside_are_read(tmp_path: Path, name: str) -> None:
    """Rows past the last token begin after them, and a row that they name otherwise is of no unused token."""
    vocab = {"a": 0, "[unused20]": 1, "[unused21]": 2}
    (tmp_path / name).write_text(json.dumps(BESIDE[name]), "utf-8")
    there = found(tmp_path, "tokenizer.json", bpe(vocab))
    assert there.unused == {"[unused21]": 2}
    assert there.known == 4
    (tmp_path / name).write_text("{", "utf-8")
    damaged = found(tmp_path, "tokenizer.json", bpe(vocab))
    assert (damaged.unused, damaged.known) == ({"[unused20]": 1, "[unused21]": 2}, None)
