"""A signed report of which any byte was changed is refused, and what broke is named."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests import signing
from tests.signing import OTHER_PRIVATE, OTHER_PUBLIC, PRIVATE, PUBLIC, altered, payload_of, sealed_by
from verify import ClaimReport, InputError, ReportError
from verify.claim.signature import CONTENT_DIGEST, LONGEST_ENVELOPE, SignatureError, key_id, sign, verify_signature

envelope, report, toys = signing.envelope, signing.report, signing.toys


def flipped(content: bytes, position: int, mask: int) -> bytes:
    """The same bytes but one."""
    position %= len(content)
    return content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :]


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
