"""Signatures of claim reports: any changed byte is refused, and two other implementations agree."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import rfc8785
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.checkpoints import Toy, toy, write_checkpoint
from verify import ClaimReport, InputError, ReportError, VerifyError, test_lineage
from verify.claim.signature import (
    CONTENT_DIGEST,
    LONGEST_ENVELOPE,
    PAYLOAD_TYPE,
    SignatureError,
    generate_key,
    key_id,
    parse,
    sign,
    statement,
    verify_signature,
)
from verify.cli import main

pytest.importorskip("securesystemslib", reason="needs the extra `sign`")
pytest.importorskip("cryptography", reason="needs the extra `sign`")

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey

CREATED = "2026-01-31T12:00:00+00:00"
PRIVATE, PUBLIC = generate_key()
OTHER_PRIVATE, OTHER_PUBLIC = generate_key()

STATEMENT_V1: dict[str, Any] = {
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "digest"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "digest": {
                        "type": "object",
                        "minProperties": 1,
                        "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    },
                },
            },
        },
        "predicateType": {"type": "string", "pattern": "^[a-z][a-z0-9+.-]*:"},
        "predicate": {"type": "object"},
    },
}
"""The layout of spec/v1/statement.md and resource_descriptor.md of in-toto/attestation, for two models."""


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Toy, Path]]:
    """A toy in three shards, and another in one file."""
    root = tmp_path_factory.mktemp("toys")
    return {
        name: (toy(seed=seed), write_checkpoint(root / name, toy(seed=seed), shards=shards))
        for name, seed, shards in (("questioned", 1, 3), ("reference", 2, 1))
    }


@pytest.fixture(scope="module")
def report(toys: dict[str, tuple[Toy, Path]]) -> ClaimReport:
    """Of the two."""
    return test_lineage(toys["questioned"][1], toys["reference"][1], created=CREATED)


@pytest.fixture(scope="module")
def envelope(report: ClaimReport) -> bytes:
    """The report, signed."""
    return sign(report, PRIVATE)


def payload_of(envelope: bytes) -> dict[str, Any]:
    """The statement in an envelope, by the standard library alone."""
    found: dict[str, Any] = json.loads(b64decode(json.loads(envelope)["payload"], validate=True))
    return found


def pae(payload_type: bytes, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding, from its definition: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body."""
    parts = (b"DSSEv1", str(len(payload_type)).encode(), payload_type, str(len(payload)).encode(), payload)
    return b" ".join(parts)


def sealed_by(private: bytes, payload: bytes, payload_type: str = PAYLOAD_TYPE, **changes: Any) -> bytes:
    """Any payload in a well-formed envelope with a good signature; what a hostile signer could make."""
    key = load_pem_private_key(private, None)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    keyid = CryptoSigner(key).public_key.keyid
    signature = key.sign(pae(payload_type.encode(), payload))
    fields = {
        "payload": b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": keyid, "sig": b64encode(signature).decode()}],
    }
    return json.dumps(fields | changes).encode()


def altered(report: ClaimReport) -> ClaimReport:
    """A re-sealed report of another verdict: intact, and not the one that was signed."""
    return report.model_copy(update={"finding": "A and B are the same.", "alpha": 0.05}).sealed()


def flipped(content: bytes, position: int, mask: int) -> bytes:
    """The same bytes but one."""
    position %= len(content)
    return content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :]


# ---- what is signed


def test_a_signed_report_comes_back_whole(report: ClaimReport, envelope: bytes) -> None:
    """The same record and the same text, without report.json."""
    found = verify_signature(envelope, PUBLIC)
    assert found == report
    assert found.to_json() == report.to_json()


def test_signing_is_deterministic(report: ClaimReport, envelope: bytes) -> None:
    """Ed25519 draws no random numbers, and canonical JSON has one form."""
    assert sign(report, PRIVATE) == envelope
    assert sign(ClaimReport.from_json(report.to_json()), PRIVATE) == envelope
    assert rfc8785.dumps(json.loads(envelope)) == envelope


def test_the_statement_is_in_toto_v1(report: ClaimReport, envelope: bytes) -> None:
    """Its fields, the whole report as predicate, and a predicate type in nobody's domain."""
    found = payload_of(envelope)
    jsonschema.validate(found, STATEMENT_V1)
    assert found["predicate"] == json.loads(report.to_json())
    assert [subject["name"] for subject in found["subject"]] == ["questioned", "reference"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}#verify-claim-report-v2", found["predicateType"])
    assert json.loads(envelope)["payloadType"] == "application/vnd.in-toto+json"
    assert statement(report).model_dump(by_alias=True) == found


def test_subjects_are_digested_as_in_model_signing(toys: dict[str, tuple[Toy, Path]], envelope: bytes) -> None:
    """Recomputed here from the files; sha256 over the raw digests of the weight files, ordered by name."""
    for (_, folder), subject in zip(toys.values(), payload_of(envelope)["subject"], strict=True):
        root = hashlib.sha256()
        for file in sorted(folder.glob("*.safetensors"), key=lambda path: path.name):
            root.update(hashlib.sha256(file.read_bytes()).digest())
        assert subject["digest"]["sha256"] == root.hexdigest()


def test_subjects_carry_the_digest_of_their_content(toys: dict[str, tuple[Toy, Path]], envelope: bytes) -> None:
    """Recomputed here from the tensors: their role and shape, then their float32 values, in the order of roles."""
    for (model, _), subject in zip(toys.values(), payload_of(envelope)["subject"], strict=True):
        named = {
            f"{role} {layer} {expert} {value.shape}": value.astype("<f4").tobytes()
            for (role, layer, expert), value in model.canonical.items()
        }
        digests = [hashlib.sha256(part).digest() for name in sorted(named) for part in (name.encode(), named[name])]
        assert subject["digest"][CONTENT_DIGEST] == hashlib.sha256(b"".join(digests)).hexdigest()


def test_the_order_of_files_in_the_report_does_not_matter(report: ClaimReport) -> None:
    """Name order is the order of the digest."""
    assert len(report.a.files) == 3
    turned = report.model_copy(update={"a": report.a.model_copy(update={"files": report.a.files[::-1]})}).sealed()
    assert statement(turned).subject == statement(report).subject


def test_no_files_have_no_digest_of_files(report: ClaimReport) -> None:
    """Else all models without files would be one subject."""
    bare = report.model_copy(update={"b": report.b.model_copy(update={"files": ()})}).sealed()
    assert list(statement(bare).subject[1].digest) == [CONTENT_DIGEST]
    assert verify_signature(sign(bare, PRIVATE), PUBLIC) == bare


@pytest.mark.parametrize("value", ["", "AB" * 32, "ab " * 32, "a" * 63, "é" * 64])
def test_what_is_no_digest_is_not_signed(report: ClaimReport, value: str) -> None:
    """A report is data from strangers."""
    broken = report.model_copy(update={"b": report.b.model_copy(update={"content_sha256": value})}).sealed()
    with pytest.raises(ReportError, match="64 lowercase hexadecimal digits"):
        sign(broken, PRIVATE)


def test_an_altered_report_is_not_signed(report: ClaimReport) -> None:
    """Neither where its digest, nor where its citation, is not that of its content."""
    for changes in ({"alpha": 0.05}, {"citation": None}, {"digest": ""}):
        with pytest.raises(ReportError, match="altered after it was made"):
            sign(report.model_copy(update=changes), PRIVATE)


# ---- other implementations


def test_securesystemslib_alone_accepts_the_envelope(envelope: bytes) -> None:
    """With its own parser, and the key as it reads it; and refuses another key."""
    found = Envelope.from_dict(json.loads(envelope))
    keys = [SSlibKey.from_crypto(load_pem_public_key(pem)) for pem in (PUBLIC, OTHER_PUBLIC)]  # type: ignore[arg-type]
    assert list(found.verify(keys[:1], 1)) == [keys[0].keyid]
    with pytest.raises(VerificationError):
        found.verify(keys[1:], 1)


def test_cryptography_alone_accepts_the_signature(envelope: bytes) -> None:
    """Over the encoding that DSSE defines, written out in this file."""
    assert pae(b"http://example.com/HelloWorld", b"hello world") == (  # the example of DSSE's protocol.md
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    fields = json.loads(envelope)
    message = pae(fields["payloadType"].encode(), b64decode(fields["payload"], validate=True))
    (signature,) = (b64decode(entry["sig"], validate=True) for entry in fields["signatures"])
    key = load_pem_public_key(PUBLIC)
    assert isinstance(key, ed25519.Ed25519PublicKey)
    key.verify(signature, message)
    with pytest.raises(InvalidSignature):
        key.verify(signature, message + b" ")


def test_the_key_identifier_can_be_recomputed() -> None:
    """sha256 over the canonical JSON of the key's type, scheme and raw bytes: the same in every version."""
    key = load_pem_public_key(PUBLIC)
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    described = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": raw}}
    assert key_id(PUBLIC) == hashlib.sha256(rfc8785.dumps(described)).hexdigest()


def test_an_envelope_made_elsewhere_is_accepted(report: ClaimReport) -> None:
    """Other white space, other field order, fields of later versions, and a counter-signature of someone else."""
    fields = payload_of(sign(report, PRIVATE)) | {"x-note": [1]}
    fields["subject"][0]["digest"]["sha512"] = "0" * 128
    fields["subject"][0]["uri"] = "https://example.org"
    made = json.loads(sealed_by(PRIVATE, json.dumps(fields, indent=2).encode(), extra=1))
    made["signatures"][0]["extra"] = {}
    other = {"keyid": key_id(OTHER_PUBLIC), "sig": b64encode(bytes(64)).decode()}
    for signatures in ([*made["signatures"], other], [other, *made["signatures"]]):
        content = json.dumps(made | {"signatures": signatures}, indent=2).encode()
        assert verify_signature(content, PUBLIC) == report
        with pytest.raises(SignatureError, match="not this key's"):
            verify_signature(content, OTHER_PUBLIC)


# ---- what is refused

anywhere = st.integers(0, 10**6)
masks = st.integers(1, 255)
often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@often
@given(position=anywhere, mask=masks)
@example(position=0, mask=1)
@example(position=-1, mask=1)
def test_any_flipped_byte_of_the_payload_is_refused(envelope: bytes, position: int, mask: int) -> None:
    """Whatever it turns the statement into."""
    fields = json.loads(envelope)
    payload = flipped(b64decode(fields["payload"]), position, mask)
    content = json.dumps(fields | {"payload": b64encode(payload).decode()}).encode()
    with pytest.raises(SignatureError, match=r"^Not valid: "):
        verify_signature(content, PUBLIC)


@often
@given(position=anywhere, mask=masks)
def test_any_flipped_byte_of_the_signature_is_refused(envelope: bytes, position: int, mask: int) -> None:
    """There is one signature of a payload by a key."""
    fields = json.loads(envelope)
    signature = flipped(b64decode(fields["signatures"][0]["sig"]), position, mask)
    fields["signatures"][0]["sig"] = b64encode(signature).decode()
    with pytest.raises(SignatureError, match="not this key's"):
        verify_signature(json.dumps(fields).encode(), PUBLIC)


@often
@given(position=anywhere, mask=masks)
@example(position=10**6, mask=1)
def test_any_flipped_byte_of_the_file_is_refused(envelope: bytes, position: int, mask: int) -> None:
    """Also in its braces, its names, the key identifier, and the unused bits of base64."""
    with pytest.raises(ReportError) as caught:
        verify_signature(flipped(envelope, position, mask), PUBLIC)
    assert str(caught.value).isprintable()


def test_the_unused_bits_of_base64_are_not_free(envelope: bytes) -> None:
    """A signature's 64 bytes leave 4 bits of its last character; a lenient reader would not see them change."""
    fields = json.loads(envelope)
    text = fields["signatures"][0]["sig"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = text[:-3] + alphabet[alphabet.index(text[-3]) ^ 1] + "=="
    assert b64decode(other, validate=True) == b64decode(text)
    for sig in (other, text + "=", text + "\n", text.rstrip("="), " " + text, "é" + text[1:]):
        fields["signatures"][0]["sig"] = sig
        with pytest.raises(SignatureError, match="base64"):
            verify_signature(json.dumps(fields).encode(), PUBLIC)


@often
@given(kept=anywhere)
def test_a_truncated_file_is_refused(envelope: bytes, kept: int) -> None:
    """At any length."""
    with pytest.raises(ReportError):
        verify_signature(envelope[: kept % len(envelope)], PUBLIC)


def test_another_key_is_refused(report: ClaimReport, envelope: bytes) -> None:
    """Under its own name, and under the name of the key that signed."""
    with pytest.raises(SignatureError, match="is not one that signed"):
        verify_signature(envelope, OTHER_PUBLIC)
    forged = json.loads(sign(report, OTHER_PRIVATE))
    forged["signatures"][0]["keyid"] = key_id(PUBLIC)
    with pytest.raises(SignatureError, match="not this key's"):
        verify_signature(json.dumps(forged).encode(), PUBLIC)


def test_a_resealed_report_is_refused(report: ClaimReport, envelope: bytes) -> None:
    """Its digest and citation fit; the signature does not."""
    forged = altered(report)
    assert forged.is_intact()
    payload = rfc8785.dumps(payload_of(envelope) | {"predicate": json.loads(forged.to_json())})
    content = json.dumps(json.loads(envelope) | {"payload": b64encode(payload).decode()}).encode()
    with pytest.raises(SignatureError, match="not this key's"):
        verify_signature(content, PUBLIC)


def test_what_broke_is_named(envelope: bytes) -> None:
    """As far as a signature can tell."""
    fields = json.loads(envelope)
    payload = rfc8785.dumps(payload_of(envelope) | {"predicate": {"verdict": "dependent"}})
    with pytest.raises(SignatureError, match="the payload was altered after it was signed"):
        verify_signature(json.dumps(fields | {"payload": b64encode(payload).decode()}).encode(), PUBLIC)
    with pytest.raises(SignatureError, match="the payload's type was altered"):
        verify_signature(json.dumps(fields | {"payloadType": "text/plain"}).encode(), PUBLIC)


def subject_with(envelope: bytes, change: Callable[[list[dict[str, Any]]], object]) -> bytes:
    """The statement with other subjects, properly signed."""
    fields = payload_of(envelope)
    change(fields["subject"])
    return sealed_by(PRIVATE, rfc8785.dumps(fields))


@pytest.mark.parametrize(
    "change",
    [
        lambda subjects: subjects.reverse(),
        lambda subjects: subjects.pop(),
        lambda subjects: subjects.append(subjects[0]),
        lambda subjects: subjects.clear(),
        lambda subjects: subjects[0].update(name="stranger"),
        lambda subjects: subjects[1]["digest"].update(sha256="0" * 64),
        lambda subjects: subjects[1]["digest"].pop(CONTENT_DIGEST),
    ],
)
def test_subjects_are_those_of_the_report(envelope: bytes, change: Callable[[list[dict[str, Any]]], object]) -> None:
    """Who reads only the statement must not be told of other models than who reads the report."""
    with pytest.raises(SignatureError, match="subjects are not the models"):
        verify_signature(subject_with(envelope, change), PUBLIC)


def deep(depth: int = 200_000) -> bytes:
    """JSON that exhausts a recursive reader."""
    return b'{"a":' * depth + b"0" + b"}" * depth


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        deep(),
        b'{"_type": 1e999}',
        b"1" * 10_000,
        b'{"a": 1, "a": 2}',
    ],
)
def test_a_signed_payload_that_is_no_statement(payload: bytes) -> None:
    """The signature is good; there is nothing to return."""
    with pytest.raises(ReportError) as caught:
        verify_signature(sealed_by(PRIVATE, payload), PUBLIC)
    assert not isinstance(caught.value, SignatureError)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "https://slsa.dev/provenance/v1"},
        {"predicate": {}},
        {"predicate": []},
        {"predicate": None},
        {"predicate": {"digest": float("nan")}},
        {"predicate": {"digest": 10**30}},
        {"predicate": {"verdict": "\ud800"}},
        {"subject": {}},
        {"subject": [1]},
        {"subject": [{"name": "x", "digest": {"sha256": 1}}]},
        {"subject": [{"name": "x", "digest": {}}] * 100_000, "predicate": 1},
    ],
)
def test_a_signed_statement_that_is_no_claim(envelope: bytes, changes: dict[str, Any]) -> None:
    """A predicate that is not a report, types of others, wrong kinds of values."""
    content = json.dumps(payload_of(envelope) | changes).encode()
    with pytest.raises(ReportError) as caught:
        verify_signature(sealed_by(PRIVATE, content), PUBLIC)
    assert not isinstance(caught.value, SignatureError)
    assert str(caught.value).isprintable()


def test_a_deep_predicate_is_refused(envelope: bytes) -> None:
    """At depths that one reader bears and the next does not."""
    whole = json.dumps(payload_of(envelope) | {"predicate": "HERE"}).encode()
    report = payload_of(envelope)["predicate"]
    for depth in (500, 900, 990, 2_000, 100_000):
        inner = json.dumps(report | {"finding": "HERE"}).encode().replace(b'"HERE"', deep(depth))
        with pytest.raises(ReportError):
            verify_signature(sealed_by(PRIVATE, whole.replace(b'"HERE"', inner)), PUBLIC)


def test_a_signed_report_that_is_not_intact_is_refused(report: ClaimReport, envelope: bytes) -> None:
    """A hostile signer cannot pass off a report whose digest is not its own."""
    content = rfc8785.dumps(payload_of(envelope) | {"predicate": json.loads(report.to_json()) | {"alpha": 0.05}})
    with pytest.raises(ReportError, match="altered after it was made"):
        verify_signature(sealed_by(PRIVATE, content), PUBLIC)


def test_another_type_of_payload_is_refused(envelope: bytes) -> None:
    """A good signature on the right bytes under another type."""
    payload = b64decode(json.loads(envelope)["payload"])
    with pytest.raises(ReportError, match=r"of type 'application/json'"):
        verify_signature(sealed_by(PRIVATE, payload, "application/json"), PUBLIC)


SIG = {"keyid": "a", "sig": "AAAA"}


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": None},
        {"payload": 1},
        {"payload": []},
        {"payloadType": {}},
        {"payloadType": "\ud800"},
        {"payloadType": "\x1b"},
        {"signatures": None},
        {"signatures": {}},
        {"signatures": []},
        {"signatures": ["x"]},
        {"signatures": [{"keyid": "a"}]},
        {"signatures": [{"keyid": 1, "sig": "AAAA"}]},
        {"signatures": [{"keyid": "a", "sig": 1}]},
        {"signatures": [SIG, SIG]},
        {"signatures": [{"keyid": str(i), "sig": "AAAA"} for i in range(100_000)]},
    ],
)
def test_a_malformed_envelope_is_bad_input(envelope: bytes, changes: dict[str, Any]) -> None:
    """Not even an invalid signature."""
    with pytest.raises(ReportError) as caught:
        verify_signature(json.dumps(json.loads(envelope) | changes).encode(), PUBLIC)
    assert not isinstance(caught.value, SignatureError)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "signatures",
    [
        [SIG],
        [{"sig": "AAAA"}],
        [{"keyid": "", "sig": ""}],
        [{"keyid": "\x1b[31m\u202e" * 999, "sig": "AAAA"}],
        [{"keyid": "\ud800", "sig": "AAAA"}],
        [{"keyid": "a", "sig": "\ud800"}],
        [{"keyid": key_id(PUBLIC), "sig": ""}],
        [{"keyid": key_id(PUBLIC), "sig": "AAAA"}],
        [{"keyid": key_id(PUBLIC).upper(), "sig": "AAAA"}],
        [{"keyid": key_id(PUBLIC), "sig": b64encode(bytes(64)).decode()}],
        [{"keyid": key_id(PUBLIC), "sig": b64encode(b"\xff" * 64).decode()}],
        [{"keyid": key_id(PUBLIC), "sig": b64encode(bytes(1_000_000)).decode()}],
    ],
)
def test_a_bad_signature_is_an_invalid_one(envelope: bytes, signatures: list[dict[str, str]]) -> None:
    """Unknown or missing key identifiers, and signatures of any length."""
    with pytest.raises(SignatureError) as caught:
        verify_signature(json.dumps(json.loads(envelope) | {"signatures": signatures}).encode(), PUBLIC)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_a_huge_envelope_is_refused_before_it_is_read() -> None:
    """By its length."""
    with pytest.raises(ReportError, match="more than 16777216 bytes"):
        verify_signature(b"[" * (LONGEST_ENVELOPE + 1), PUBLIC)


@pytest.mark.parametrize("content", [b"", b"[]", b"1", b"{", b'"x"', b"\xff", deep(), b'{"payload":"","payload":""}'])
def test_what_is_no_envelope(content: bytes) -> None:
    """Empty, broken, deep, ambiguous, or other JSON."""
    with pytest.raises(ReportError) as caught:
        verify_signature(content, PUBLIC)
    assert not isinstance(caught.value, SignatureError)


@given(content=st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists, max_leaves=5).map(repr))
def test_noise_is_no_envelope(content: bytes | str) -> None:
    """Nor a public key, nor a private one."""
    noise = content.encode() if isinstance(content, str) else content
    with pytest.raises(ReportError):
        verify_signature(noise, PUBLIC)
    with pytest.raises(InputError):
        key_id(noise)


def test_a_report_too_long_to_read_back_is_not_signed(report: ClaimReport) -> None:
    """Rather than signed and then refused."""
    long = report.model_copy(update={"chronology": "x" * LONGEST_ENVELOPE}).sealed()
    with pytest.raises(ReportError, match="too long to sign"):
        sign(long, PRIVATE)


# ---- keys


def private_pem(key: Any, encryption: Any = None) -> bytes:
    """PKCS#8 PEM."""
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return pem


def encrypted(passphrase: bytes) -> bytes:
    """The key of these tests, encrypted."""
    return private_pem(load_pem_private_key(PRIVATE, None), BestAvailableEncryption(passphrase))


def test_only_ed25519_keys_are_used(report: ClaimReport, envelope: bytes) -> None:
    """Other kinds, swapped halves and noise are bad input, in one sentence."""
    other = ec.generate_private_key(ec.SECP256R1())
    public = other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for key in (private_pem(other), PUBLIC, b"", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        with pytest.raises(InputError, match="verify keygen"):
            sign(report, key)
    for key in (public, PRIVATE, b"", b"\xff"):
        with pytest.raises(InputError, match=r"\.pub file"):
            verify_signature(envelope, key)


def test_an_encrypted_key_needs_its_passphrase(report: ClaimReport, envelope: bytes) -> None:
    """The signature is that of the key; a passphrase given for a bare key is not looked at."""
    key = encrypted(b"correct horse")
    assert sign(report, key, passphrase=b"correct horse") == envelope
    assert sign(report, PRIVATE, passphrase=b"correct horse") == envelope
    with pytest.raises(InputError, match="is encrypted; give its passphrase"):
        sign(report, key)
    for wrong in (b"", b"wrong"):
        with pytest.raises(InputError, match="or the passphrase is wrong"):
            sign(report, key, passphrase=wrong)


# ---- without the extra


def test_without_the_extra_one_sentence_says_what_to_install() -> None:
    """In a process where neither library can be imported; the import of the library itself needs neither."""
    code = (
        "import sys\n"
        "assert not {'securesystemslib', 'cryptography'} & set(sys.modules)\n"
        "sys.modules.update({'cryptography': None, 'securesystemslib': None})\n"
        "from verify.cli import main\n"
        "sys.argv = ['verify', 'check-signature', sys.argv[1], '--key', sys.argv[1]]\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, __file__], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().splitlines() == [
        "Signatures need the packages of the extra `sign`, which are not installed; "
        "`pip install 'verify-lineage[sign]'`."
    ]


def test_verify_loads_no_cryptography() -> None:
    """Not on import, nor for a report."""
    code = "import sys, verify.claim, verify.cli; print([m for m in sys.modules if m[:5] in ('crypt', 'secur')])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- the command line

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``verify`` in this process: exit status, standard output, standard error."""
    monkeypatch.delenv("VERIFY_KEY_PASSPHRASE", raising=False)

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["verify", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def desk(tmp_path: Path, report: ClaimReport) -> Path:
    """A folder with a report and a key."""
    report.to_json(tmp_path / "report.json")
    (tmp_path / "me").write_bytes(PRIVATE)
    (tmp_path / "me.pub").write_bytes(PUBLIC)
    (tmp_path / "other.pub").write_bytes(OTHER_PUBLIC)
    return tmp_path


def test_the_whole_way(run: Run, tmp_path: Path, report: ClaimReport) -> None:
    """Make a key, sign, check: with the names of the manual."""
    report.to_json(tmp_path / "report.json")
    status, out, err = run("keygen", "-o", tmp_path / "keys" / "me")
    assert (status, err) == (0, "")
    public = (tmp_path / "keys" / "me.pub").read_bytes()
    assert key_id(public) in out
    signed = tmp_path / "report.json.dsse"
    assert run("sign", tmp_path / "report.json", "--key", tmp_path / "keys" / "me") == (0, f"{signed}\n", "")
    assert signed.read_bytes() == sign(report, (tmp_path / "keys" / "me").read_bytes()) + b"\n"
    for more in ((), ("--report", tmp_path / "report.json")):
        status, out, err = run("check-signature", signed, "--key", tmp_path / "keys" / "me.pub", *more)
        assert (status, err) == (0, "")
        assert out.splitlines() == [f"Valid: key {key_id(public)}", f"signed report {report.digest}"]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_private_key_is_for_its_owner(run: Run, tmp_path: Path) -> None:
    """From the moment that the file exists."""
    assert run("keygen", "-o", tmp_path / "me")[0] == 0
    assert stat.S_IMODE((tmp_path / "me").stat().st_mode) == 0o600


@pytest.mark.parametrize("taken", ["me", "me.pub"])
def test_keys_are_never_overwritten(run: Run, tmp_path: Path, taken: str) -> None:
    """Neither half; and no half is left behind."""
    (tmp_path / taken).write_text("precious")
    status, out, err = run("keygen", "-o", tmp_path / "me")
    assert (status, out) == (2, "")
    assert "never overwritten" in err
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(taken, "precious")]


def test_a_link_is_not_followed_to_a_key(run: Run, tmp_path: Path) -> None:
    """A link that leads nowhere would let someone choose where the key is written."""
    (tmp_path / "me").symlink_to(tmp_path / "elsewhere")
    assert run("keygen", "-o", tmp_path / "me")[0] == 2
    assert [p.name for p in tmp_path.iterdir()] == ["me"]


def test_what_is_not_valid_exits_with_1(run: Run, desk: Path, report: ClaimReport, envelope: bytes) -> None:
    """And says what broke, on one line of standard error."""
    altered(report).to_json(desk / "resealed.json")
    text = report.to_json()
    (desk / "altered.json").write_text(text.replace('"alpha":0.001', '"alpha":0.01'))
    (desk / "nonsense.json").write_text(text.replace(f'"{report.verdict}"', '"banana"'))
    (desk / "good.dsse").write_bytes(envelope)
    fields = json.loads(envelope)
    forged = rfc8785.dumps(payload_of(envelope) | {"predicate": json.loads(altered(report).to_json())})
    (desk / "forged.dsse").write_text(json.dumps(fields | {"payload": b64encode(forged).decode()}))
    (desk / "cut.dsse").write_text(json.dumps(fields | {"payload": fields["payload"][:-8]}))
    for name, key, given_report, words in (
        ("good", "other.pub", None, "is not one that signed"),
        ("forged", "me.pub", None, "not this key's on this payload"),
        ("cut", "me.pub", None, "payload was altered"),
        ("good", "me.pub", "resealed.json", "it differs from the signed report"),
        ("good", "me.pub", "altered.json", "it differs from the signed report"),
        ("good", "me.pub", "nonsense.json", "it differs from the signed report"),
    ):
        more = () if given_report is None else ("--report", desk / given_report)
        status, out, err = run("check-signature", desk / f"{name}.dsse", "--key", desk / key, *more)
        assert (status, out) == (1, "")
        assert words in err
        assert err.startswith("Not valid")
        assert err.count("\n") == 1


def test_bad_input_exits_with_2(run: Run, desk: Path, envelope: bytes) -> None:
    """One line, no traceback, and nothing written."""
    (desk / "good.dsse").write_bytes(envelope)
    (desk / "list.json").write_text("[]")
    (desk / "path.json").write_text(f'"{desk / "report.json"}"')
    (desk / "huge").write_bytes(bytes(LONGEST_ENVELOPE + 1))
    before = sorted(p.name for p in desk.iterdir())
    check, key, public = ("check-signature", desk / "good.dsse"), ("--key", desk / "me"), ("--key", desk / "me.pub")
    for arguments in (
        ("check-signature", desk / "report.json", *public),
        ("check-signature", desk / "missing", *public),
        ("check-signature", desk / "huge", *public),
        ("check-signature", desk, *public),
        (*check, *key),
        (*check, "--key", desk / "missing"),
        (*check, "--key", desk / "huge"),
        check,
        (*check, *public, "--report", desk / "list.json"),
        (*check, *public, "--report", desk / "path.json"),
        (*check, *public, "--report", desk / "good.dsse"),
        (*check, *public, "--report", desk / "missing"),
        ("sign", desk / "report.json", *public),
        ("sign", desk / "report.json", "--key", desk / "missing"),
        ("sign", desk / "list.json", *key),
        ("sign", desk / "missing", *key),
        ("sign", desk / "report.json", *key, "-o", desk / "me" / "under"),
        ("sign", desk / "report.json", *key, "-o", desk / "me"),
        ("sign", desk / "report.json", *key, "-o", desk / "report.json"),
        ("keygen", "-o", desk),
        ("keygen", "-o", desk / "me" / "under"),
        ("keygen",),
    ):
        status, out, err = run(*arguments)
        assert (status, out) == (2, ""), arguments
        assert err.count("\n") == 1, err
        assert sorted(p.name for p in desk.iterdir()) == before
    assert (desk / "me").read_bytes() == PRIVATE


def test_a_report_laid_out_otherwise_is_the_signed_one(run: Run, desk: Path, envelope: bytes) -> None:
    """White space and the order of keys are not content."""
    (desk / "good.dsse").write_bytes(envelope)
    fields = json.loads((desk / "report.json").read_text())
    (desk / "pretty.json").write_text(json.dumps(dict(reversed(fields.items())), indent=2))
    arguments = ("check-signature", desk / "good.dsse", "--key", desk / "me.pub", "--report", desk / "pretty.json")
    assert run(*arguments)[0] == 0


def test_a_passphrase_comes_from_the_environment(
    run: Run, desk: Path, envelope: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or is refused clearly where nobody can be asked."""
    (desk / "me").write_bytes(encrypted("pässword".encode()))
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    arguments = ("sign", desk / "report.json", "--key", desk / "me", "-o", desk / "out.dsse")
    status, _, err = run(*arguments)
    assert status == 2
    assert "set VERIFY_KEY_PASSPHRASE" in err
    monkeypatch.setenv("VERIFY_KEY_PASSPHRASE", "wrong")
    assert "or the passphrase is wrong" in run(*arguments)[2]
    assert not (desk / "out.dsse").exists()
    monkeypatch.setenv("VERIFY_KEY_PASSPHRASE", "pässword")
    assert run(*arguments)[0] == 0
    assert (desk / "out.dsse").read_bytes() == envelope + b"\n"


def test_a_passphrase_is_asked_for(run: Run, desk: Path, envelope: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal."""
    (desk / "me").write_bytes(encrypted(b"typed"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda _, *, hide_input, err: "typed" if hide_input and err else "")
    assert run("sign", desk / "report.json", "--key", desk / "me")[0] == 0
    assert (desk / "report.json.dsse").read_bytes() == envelope + b"\n"


def test_reports_stay_unsigned_by_themselves(report: ClaimReport) -> None:
    """A signature is beside a report, not in it."""
    assert "This page carries no signature." in report.to_markdown()
    assert "signature" not in parse(report.to_json().encode(), "the report")


def test_errors_are_of_the_tree() -> None:
    """Whoever catches a bad report catches a bad signature."""
    assert issubclass(SignatureError, ReportError)
    assert issubclass(ReportError, InputError)
    assert issubclass(InputError, VerifyError)
