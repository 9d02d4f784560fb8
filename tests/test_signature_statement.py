"""What is signed: an in-toto statement of the report, which two other implementations accept."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import rfc8785

from tests import signing
from tests.checkpoints import Toy
from tests.signing import OTHER_PUBLIC, PRIVATE, PUBLIC, pae, payload_of, sealed_by
from verify import ClaimReport, ReportError
from verify.claim.signature import CONTENT_DIGEST, SignatureError, key_id, sign, statement, verify_signature

pytest.importorskip("securesystemslib", reason="needs the extra `sign`")
pytest.importorskip("cryptography", reason="needs the extra `sign`")

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

envelope, report, toys = signing.envelope, signing.report, signing.toys

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
    assert found["predicateType"] == "https://pypi.org/project/verify-lineage#claim-report/v2"
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
    """Where its digest is not that of its content, or is none."""
    for changes in ({"searched": 7}, {"verdict": "identical"}, {"digest": ""}):
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
