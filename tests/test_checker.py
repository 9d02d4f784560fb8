"""The checker page says what the library says of the same files; what only a browser shows is in tests/browser."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import zipfile
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from packaging.version import Version

import docs.checker.safetensors as own
from docs.checker import build, checker
from docs.checker.safetensors import numpy as own_numpy
from tests.checking import PAIRS, PRINTS, REPORTS, ROOT, forged, hostile, signatures
from tests.signing import OTHER_PUBLIC, PRIVATE, PUBLIC
from verify import Fingerprint, VerifyError, replay, test_lineage
from verify.base.keys import public
from verify.claim.signature import key_id
from verify.fingerprint import keys_of_names

PAGE = ROOT / "docs/checker/page"
SIGNED = signatures()
RELATED = ROOT / "examples/reports/related/report.json"


def checked(*files: bytes | None, folder: Path) -> dict[str, Any]:
    """What the page is told of files."""
    paths: list[str | None] = []
    for name, content in zip(("report.json", "report.json.dsse", "key.pub"), files, strict=True):
        paths.append(None if content is None else str(folder / name))
        if content is not None:
            (folder / name).write_bytes(content)
    found: dict[str, Any] = json.loads(checker.check(*paths))
    return found


def said_or_refused(run: Callable[..., Any], *arguments: Any) -> Any:
    """What a function returns, or its sentence where it refuses."""
    try:
        return run(*arguments)
    except VerifyError as error:
        return str(error)


def titles(found: dict[str, Any]) -> dict[str, str]:
    """Tones by title."""
    return {block["title"]: block["tone"] for block in found["blocks"]}


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: "-".join(path.parts[-3:]))
def test_what_is_shown_of_a_report_is_what_replay_says(path: Path, tmp_path: Path) -> None:
    """Of every shipped and older report, and of forged ones: the outcome whole, its sentence first."""
    for content in (path.read_bytes(), *forged(path.read_bytes(), 1, seed=path.name)):
        (tmp_path / "given.json").write_bytes(content)
        expected = said_or_refused(replay, tmp_path / "given.json")
        found = checked(content, None, None, folder=tmp_path)
        if isinstance(expected, str):
            assert [block["lead"] for block in found["blocks"]] == [expected]
            continue
        first = found["blocks"][0]
        assert json.loads(found["saved"][0]["text"]) == json.loads(expected.model_dump_json())
        assert first["lead"] == f"{expected.sentence}."
        assert titles(found)["Arithmetic"] == ("good" if expected.agrees else "bad")
        assert ("What the report says" in titles(found)) == expected.agrees
        assert first["tables"][0]["caption"].startswith(f"{len(expected.not_checkable)} kinds")
        listed = first["tables"][1]["rows"] if len(first["tables"]) > 1 else []
        assert [row[0] for row in listed] == [item.field for item in expected.disagreements]


@pytest.mark.parametrize("name", hostile())
def test_a_hostile_file_gives_one_sentence_and_no_hidden_sign(name: str, tmp_path: Path) -> None:
    """Whatever it holds."""
    found = checked(hostile()[name], None, None, folder=tmp_path)
    assert found["blocks"]
    assert all(block["lead"].isprintable() for block in found["blocks"])
    assert "\u202e" not in json.dumps(found["blocks"], ensure_ascii=False)
    assert name.startswith("markup") or titles(found) == {"Not checked": "bad"}


@pytest.mark.parametrize("own_arithmetic", [False, True])
@pytest.mark.parametrize("name", SIGNED)
def test_signatures_hold_or_not_alike_without_cryptography(
    name: str, own_arithmetic: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By pyca/cryptography, and by securesystemslib's own arithmetic, which the browser has."""
    if own_arithmetic:
        monkeypatch.setattr("securesystemslib.signer._key.CRYPTO_IMPORT_ERROR", "absent")
    found = checked(*SIGNED[name], folder=tmp_path)
    tone = {"signed": "good", "signed-alone": "good", "no-envelope": "plain", "no-key": "plain"}.get(name, "bad")
    assert titles(found)["Signature"] == tone
    assert ("What the report says" in titles(found)) == (tone != "bad")


def test_a_public_key_is_read_as_by_cryptography() -> None:
    """The same identifier, and the same sentences for what is no Ed25519 key."""
    for pem in (PUBLIC, OTHER_PUBLIC, PUBLIC.replace(b"\n", b"\r\n"), b"\n" + PUBLIC + b"\n\n"):
        assert checker.public_key(pem).to_dict() == public(pem).to_dict()
        assert checker.public_key(pem).keyid == key_id(pem)
    pem, spki = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    others = [key.generate().public_key().public_bytes(pem, spki) for key in (x25519.X25519PrivateKey,)]
    others.append(ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(pem, spki))
    for other in (*others, PRIVATE, b"", b"-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----\n"):
        said = said_or_refused(checker.public_key, other)
        assert isinstance(said, str)
        assert said == said_or_refused(public, other)


@pytest.mark.parametrize("name", ["unrelated", "itself", "cut-down", "gpt2"])
def test_what_is_shown_of_two_fingerprints_is_what_the_tests_say(name: str) -> None:
    """Counts as they are, and log10 p with every digit."""
    a, b = (str(PRINTS / f"{one}.safetensors") for one in PAIRS[name])
    found = json.loads(checker.compare(a, b, created="2026-01-31T12:00:00+00:00"))
    models = [Fingerprint.load(path) for path in (a, b)]
    report = said_or_refused(partial(test_lineage, created="2026-01-31T12:00:00+00:00"), *models)
    if isinstance(report, str):
        assert [block["lead"] for block in found["blocks"]] == [report]
        return
    assert found["saved"] == [{"name": "report.json", "text": report.to_json() + "\n"}]
    ps, counts, *_ = found["blocks"][1]["tables"]
    applicable = [test for test in report.exact if test.applicable]
    recorded = [[str(count.count), str(count.n)] for test in applicable for count in test.counts]
    assert [row[2:4] for row in counts["rows"]] == recorded
    assert ps["rows"] == [[test.id, json.dumps(test.log10_p)] for test in applicable]


COMPLEX = ("<c8",) if Version(safetensors.__version__) >= Version("0.7") else ()  # those before have none
entries = st.one_of(
    *(
        arrays.arrays(np.dtype(kind), arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
        for kind in ("?", "u1", "i1", "<i2", "<u2", "<f2", "<i4", "<u4", "<f4", "<f8", "<i8", "<u8", *COMPLEX)
    )
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@given(st.dictionaries(texts.filter(lambda name: name != "__metadata__"), entries, max_size=5), st.none() | texts)
def test_arrays_are_written_and_read_as_by_safetensors(tensors: dict[str, Any], said: str | None) -> None:
    """The same bytes, since fingerprints are cited by the digest of theirs."""
    metadata = None if said is None else {"said": said}
    written = own_numpy.save(tensors, metadata)
    assert written == safetensors.numpy.save(tensors, metadata)
    read, expected = own_numpy.load(written), safetensors.numpy.load(written)
    assert {name: (x.dtype, x.shape, x.tobytes()) for name, x in read.items()} == {
        name: (x.dtype, x.shape, x.tobytes()) for name, x in expected.items()
    }


@given(st.data())
@settings(max_examples=300)
def test_broken_files_are_refused_as_by_safetensors(data: st.DataObject) -> None:
    """What the package refuses is refused; what both read is the same."""
    whole = own_numpy.save({"a": np.arange(6, dtype="<f4").reshape(2, 3), "b": np.zeros(2, "<i8")}, {"x": "y"})
    at, cut = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 8))
    broken = whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 : len(whole) - cut]
    try:
        expected = safetensors.numpy.load(broken)
    except (safetensors.SafetensorError, KeyError):
        with pytest.raises(own.SafetensorError):
            own_numpy.load(broken)
        return
    assert {name: x.tobytes() for name, x in own_numpy.load(broken).items()} == {
        name: x.tobytes() for name, x in expected.items()
    }


@pytest.mark.parametrize("header", ["{", "[]", '{"a":1}', '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'])
def test_a_header_that_describes_no_arrays_is_refused(header: str) -> None:
    """Not JSON, not an object, no entry, a hole."""
    content = struct.pack("<Q", len(header)) + header.encode() + b"\0" * 8
    for module, error in ((safetensors.numpy, safetensors.SafetensorError), (own_numpy, own.SafetensorError)):
        with pytest.raises(error):
            module.load(content)


_BARE = """
import sys
site, allowed = sys.argv[1], set(sys.argv[2].split(","))
sys.path[:0] = [site]
class Bare:
    def find_spec(self, name, path=None, target=None):
        top, _, below = name.partition(".")
        left_out = top == "scipy" and below[:1] not in ("", "_") and "scipy." + below.partition(".")[0] not in allowed
        if left_out or top not in allowed and top not in sys.stdlib_module_names and not top.startswith("_"):
            raise ImportError(f"{name} is not in the page")
sys.meta_path.insert(0, Bare())
from docs.checker import checker
print(checker.check(sys.argv[3], None, None))
print(checker.compare(sys.argv[4], sys.argv[5], "2026-01-31T12:00:00+00:00"))
"""


def test_the_page_needs_no_package_that_it_does_not_have() -> None:
    """With those alone that are in it, and its own reader of safetensors, it says the same."""
    have = {name.partition("==")[0] for name in build.PINNED["wheels"]} | {"numpy", "scipy"}
    own_ones = {"verify", "docs", "safetensors", *(f"scipy.{folder}" for folder in (*build.OF_SCIPY, "version"))}
    pair = [str(PRINTS / f"{one}.safetensors") for one in PAIRS["unrelated"]]
    command = [
        sys.executable,
        "-c",
        _BARE,
        str(ROOT / "docs/checker"),
        ",".join(have | own_ones),
        str(RELATED),
        *pair,
    ]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    one, two = map(json.loads, result.stdout.splitlines())
    assert one == json.loads(checker.check(str(RELATED), None, None))
    assert two == json.loads(checker.compare(*pair, "2026-01-31T12:00:00+00:00"))


def test_keys_of_names_do_not_depend_on_the_size_of_an_address() -> None:
    """A browser's Python has 32 bits of address; the keys have 60."""
    keys = keys_of_names(["byte F5", "[unused1]"])
    assert keys.dtype == np.int64
    assert keys.max() > 2**32


def test_nothing_of_a_file_can_become_markup_and_nothing_is_sent() -> None:
    """The policy names no host, the program writes text alone, and connections end before a file is read."""
    page, script = (PAGE / "index.html").read_text(), (PAGE / "checker.js").read_text()
    found = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    policy = dict(part.strip().partition(" ")[::2] for part in found[1].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert "'unsafe-inline'" not in found[1]
    assert "'unsafe-eval'" not in found[1]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", script)
    assert script.index("close();") < script.index("restart();\n}")
    assert "policy.content = \"connect-src 'none'\"" in script
    assert not re.findall(r'(?:src|href)="(?:https?:)?//(?!pypi\.org)[^"]*"', page)


def test_a_bundle_is_the_same_bytes_again_and_holds_no_models(tmp_path: Path) -> None:
    """The library's own part of it, which needs no download."""
    own_files = [(f"verify/{path.name}", path.read_bytes()) for path in (ROOT / "verify").glob("*.py")]
    for name in ("one", "two"):
        build.pack(tmp_path / f"{name}.zip", iter(own_files if name == "one" else own_files[::-1]))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert archive.read("verify/__init__.py") == (ROOT / "verify/__init__.py").read_bytes()


def test_another_file_than_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, before anything is built of it."""
    core, carried = {"pyodide.mjs": "0" * 64}, {"numpy-1.whl": "1" * 64}
    pinned = {"pyodide": {"npm": "", "files": core}, "wheels": {}, "carried": {"wheels": carried}}
    monkeypatch.setattr(build, "PINNED", pinned)
    for name in (*core, *carried):
        (tmp_path / name).write_bytes(b"other")
    with pytest.raises(build.BuildError, match=r"^pyodide.mjs has sha256 .* is pinned; remove it\.$"):
        build.build(tmp_path / "out", tmp_path)
    assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    with pytest.raises(build.BuildError, match="not empty"):
        build.build(tmp_path / "full", tmp_path)


def test_a_wheel_that_the_lock_of_pyodide_does_not_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wheels come from elsewhere than Pyodide's host, so its own list decides what they may be."""
    (tmp_path / "numpy-1.whl").write_bytes(b"wheel")
    (tmp_path / "pyodide-lock.json").write_text(json.dumps({"packages": {}}))
    digests = {name: build.sha256(tmp_path / name) for name in ("numpy-1.whl", "pyodide-lock.json")}
    core = {"pyodide-lock.json": digests["pyodide-lock.json"]}
    carried = {"numpy-1.whl": digests["numpy-1.whl"]}
    pinned = {"pyodide": {"npm": "", "files": core}, "wheels": {}, "carried": {"wheels": carried}}
    monkeypatch.setattr(build, "PINNED", pinned)
    with pytest.raises(build.BuildError, match=r"pyodide-lock\.json names"):
        build.fetch(tmp_path)


def test_parts_are_listed_with_what_a_browser_checks(tmp_path: Path) -> None:
    """The integrity of a part is the sha256 of its bytes."""
    (tmp_path / "part").write_bytes(b"bytes")
    digest = bytes.fromhex(build.sha256(tmp_path / "part"))
    assert build._part(tmp_path / "part") == {
        "name": "part",
        "bytes": 5,
        "integrity": f"sha256-{b64encode(digest).decode()}",
    }
