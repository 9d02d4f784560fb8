"""A fingerprint file is a stranger's: whatever is wrong becomes one clear sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import fingerprints
from tests.fingerprints import one_sentence, parts, refused, written
from verify import Fingerprint, FingerprintError, InputError, fingerprint
from verify.fingerprint import ANCHORS
from verify.fingerprint.file import LARGEST_FILE

folder, sound = fingerprints.folder, fingerprints.sound


def changed(record: dict[str, Any], where: str, value: Any) -> dict[str, Any]:
    """The record with one entry replaced; ``where`` is dotted."""
    record = json.loads(json.dumps(record))
    *path, last = where.split(".")
    inner: Any = record
    for key in path:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    inner[last] = value
    return record


@pytest.mark.parametrize(
    ("where", "value", "says"),
    [
        ("architecture.layers", 10**9, "architecture.layers as 1000000000; expected 1 to 4096"),
        ("architecture.layers", 0, "architecture.layers"),
        ("architecture.layers", 3, "MLP arrays of layer 2"),
        ("architecture.layers", 1, "'circuit.1.ffn'"),
        ("architecture.kv_heads", 1, "float16"),
        ("architecture.kv_heads", 10**7, "architecture.kv_heads"),
        ("architecture.hidden", 10**12, "architecture.hidden"),
        ("architecture.hidden", 3, "(1, 3, 4"),
        ("architecture.width", 4, "scales.embed"),
        ("architecture.width", -1, "architecture.width"),
        ("architecture.experts", 5, "architecture.expert_hidden"),
        ("architecture.vocab", 2**60, "architecture.vocab"),
        ("architecture.gated", False, "gate"),
        ("architecture.tied_embeddings", True, "'stream.unembed'"),
        ("architecture.norm", "batch", "architecture.norm"),
        ("architecture.family", "a\nb", "family"),
        ("sketch.version", 4, "sketch.version as 4; expected 2 or 3"),
        ("sketch.units", 9, "(1, 9, 4"),
        ("sketch.units", 0, "sketch.units"),
        ("sketch.units", 10**15, "sketch.units"),
        ("sketch.channels", 3, "(2, 3, 4"),
        ("sketch.projections", 5, "(2, 3, 2, 5"),
        ("sketch.anchors", 39, "number of anchors as 40"),
        ("anchors", [0], "(1, 1)"),
        ("anchors", [*range(38), 40, 39], "anchors"),
        ("anchors", [*range(39), 38], "anchors"),
        ("anchors", [*range(39), len(ANCHORS)], "anchors"),
        ("anchors", [-1, *range(39)], "anchors"),
        ("anchors", "abc", "anchors"),
        ("name", "/home/someone/model", "name"),
        ("name", "\u202egpj", "printable"),
        ("name", "x" * 256, "name"),
        ("files", [], "files"),
        ("files.0.size", -5, "size"),
        ("files.0.name", "a\x1b[31m", "printable"),
        ("bytes_read", 2**53, "bytes_read"),
        ("non_finite", -1, "non_finite"),
        ("unrecognised", ["\u202e"], "unrecognised"),
        ("software", {"a\nb": "1"}, "software"),
        ("dead", [{"component": "units", "layer": 2, "rows": 1}], "units of layer 2"),
        ("dead", [{"component": "x", "layer": 0, "rows": 1}], "x of layer 0"),
        ("content_sha256", "0", "content_sha256"),
        ("schema_version", 2, "schema_version"),
        ("surprise\n", 1, "surprise"),
    ],
)
def test_a_record_that_lies(tmp_path: Path, sound: bytes, where: str, value: Any, says: str) -> None:
    """Each number, text and list of the record is checked before anything is sized by it."""
    record, arrays = parts(sound)
    assert says in refused(tmp_path / "x.safetensors", written(changed(record, where, value), arrays))


def test_sound_parts_are_accepted(tmp_path: Path, sound: bytes) -> None:
    """The checks above refuse the changes, not the rest."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(written(*parts(sound)))
    assert Fingerprint.load(path).record.name == "llama"


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("units.0.mlp.gate", None, "lacks the array 'units.0.mlp.gate'"),
        ("values.1.o", None, "lacks the array 'values.1.o'"),
        ("gram.embed", None, "lacks the array 'gram.embed'"),
        ("units.2.mlp.gate", np.zeros((1, 8, 4), np.float16), "'units.2.mlp.gate'"),
        ("units.0.experts.gate", np.zeros((1, 8, 4), np.float16), "'units.0.experts.gate'"),
        ("spread.router", np.zeros((2, 4)), "'spread.router'"),
        ("x\ny", np.zeros(1), r"x\ny"),
        ("units.0.mlp.gate", lambda x: x.astype(np.float32), "float32"),
        ("units.0.mlp.gate", lambda x: x[:, :7], "(1, 7, 4)"),
        ("units.0.mlp.gate", lambda x: x[0], "(8, 4)"),
        ("units.0.mlp.gate", lambda x: x * np.nan, "finite rows"),
        ("response.1.values", lambda x: np.full_like(x, np.inf), "finite rows"),
        ("values.0.v", lambda x: x * np.float16(2), "length 1 or 0"),
        ("stream.embed", lambda x: x * np.float16(0.5), "length 1 or 0"),
        ("circuit.1.qk", lambda x: x * np.float16(2), "length 1 or 0"),
        ("spectrum.0.vo", lambda x: x * 2, "from 0 to 1"),
        ("spectrum.0.vo", lambda x: -x, "from 0 to 1"),
        ("gram.embed", lambda x: x * np.float32(np.nan), "finite numbers"),
        ("spread.q", lambda x: x[:1], "(1, 4)"),
        ("spread.q", lambda x: x.astype(np.float32), "float32"),
    ],
)
def test_arrays_that_are_not_those_of_the_record(
    tmp_path: Path, sound: bytes, name: str, change: Any, says: str
) -> None:
    """Names, dtypes, shapes and lengths."""
    record, arrays = parts(sound)
    value = change(arrays[name]) if callable(change) else change
    rest = {key: array for key, array in arrays.items() if key != name}
    content = written(record, rest if value is None else rest | {name: np.ascontiguousarray(value)})
    assert says in refused(tmp_path / "x.safetensors", content)


@pytest.mark.parametrize("record", ["", "{}", "[]", "nonsense", "[" * 10_000, '{"name": "\\ud800"}', "9" * 5000])
def test_a_record_that_is_none(tmp_path: Path, sound: bytes, record: str) -> None:
    """Whatever text lies where the record should."""
    assert "make it again" in refused(tmp_path / "x.safetensors", written(record, parts(sound)[1]))


def test_spreads_may_be_absent_or_nan(tmp_path: Path, sound: bytes) -> None:
    """They are the one thing that need not be finite."""
    record, arrays = parts(sound)
    del record["arrays_sha256"]  # of other arrays
    arrays["spread.q"] = np.full((2, 4), np.nan)
    del arrays["spread.k"]
    path = tmp_path / "x.safetensors"
    path.write_bytes(written(record, arrays))
    assert "spread.k" not in Fingerprint.load(path).arrays


def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    """Only regular files are opened."""
    os.mkfifo(tmp_path / "x.safetensors")
    with pytest.raises(FingerprintError, match="is not a fingerprint"):
        Fingerprint.load(tmp_path / "x.safetensors")


def test_dtypes_that_numpy_lacks_are_refused(tmp_path: Path, sound: bytes) -> None:
    """safetensors knows more dtypes than numpy, and answers with a KeyError."""
    record, arrays = parts(sound)
    content = written(record, arrays | {"extra": np.zeros(4, np.int8)})
    longer = content[8:].replace(b'"I8"', b'"F8_E4M3"')
    length = int.from_bytes(content[:8], "little") + len(longer) - len(content) + 8
    assert "damaged" in refused(tmp_path / "x.safetensors", length.to_bytes(8, "little") + longer)


def test_an_enormous_file_is_not_read(tmp_path: Path, sound: bytes) -> None:
    """A sparse file of a terabyte costs nothing to make."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(sound)
    with path.open("r+b") as file:
        file.truncate(LARGEST_FILE * 1000)
    with pytest.raises(FingerprintError, match="more than 1073741824 bytes"):
        Fingerprint.load(path)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_escapes(tmp_path: Path, sound: bytes, data: st.DataObject) -> None:
    """Bytes flipped, cut or inserted anywhere, mostly in the header: a fingerprint, or one sentence."""
    content = bytearray(sound)
    header = 8 + int.from_bytes(sound[:8], "little")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, header - 1) | st.integers(0, len(sound) - 1)) % len(content)
        kind = data.draw(st.sampled_from(["flip", "digit", "cut", "insert", "end"]))
        if kind == "flip":
            content[at] ^= data.draw(st.integers(1, 255))
        elif kind == "digit":
            digits = [i for i in range(8, min(header, len(content))) if chr(content[i]).isdigit()] or [0]
            content[digits[at % len(digits)]] = data.draw(st.sampled_from(b"0123456789-.e"))
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=6))
        elif kind == "cut":
            del content[max(1, at) : at + data.draw(st.integers(2, 6))]
        else:
            del content[max(1, at) :]
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(content)
    try:
        fingerprint(path)
    except InputError as error:
        one_sentence(error)


@pytest.mark.slow
@given(
    st.sampled_from(["architecture.layers", "architecture.hidden", "architecture.kv_heads", "architecture.experts",
                     "architecture.head_size", "sketch.units", "sketch.stream", "anchors", "files", "dead", "name"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
)  # fmt: skip
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_record_escapes(tmp_path: Path, sound: bytes, where: str, value: Any) -> None:
    """Any JSON in place of what matters most gives a fingerprint or one sentence."""
    record, arrays = parts(sound)
    path = tmp_path / "x.safetensors"
    path.write_bytes(written(changed(record, where, value), arrays))
    try:
        Fingerprint.load(path)
    except FingerprintError as error:
        one_sentence(error)
