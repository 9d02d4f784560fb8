"""Signed statements: an in-toto statement in a DSSE envelope, sealed and checked with an Ed25519 key.

What a statement says is its caller's; here are its outer form, its bounds, and the signature. securesystemslib and
pyca/cryptography are imported where they are used.
"""

from __future__ import annotations

import re
from base64 import standard_b64decode, standard_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .canonical_json import canonical
from .errors import ReportError
from .keys import signer
from .strict_json import first_problem, json_object

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PROJECT = "https://pypi.org/project/verify-lineage"
"""The page of the distribution, which whoever publishes it owns: types of predicates are named under it."""
CONTENT_DIGEST = "verify-content-sha256"
READ_DIGEST = "verify-read-sha256"
LONGEST_ENVELOPE = 1 << 24  # bytes; reports are some 10 kB to 1 MB
SHA256 = re.compile("[0-9a-f]{64}")
_MOST_SIGNATURES = 64
_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Order of Ed25519's group. A signature whose second half is no smaller is another text of the same one: refused by
RFC 8032 and OpenSSL, and not by securesystemslib's own arithmetic, which runs where pyca/cryptography is absent."""


class SignatureError(ReportError):
    """The envelope is a signed statement of this library, and its signature does not hold."""


class Foreign(BaseModel):
    """Formats of others: frozen and strict, and unknown fields are ignored, as in-toto and DSSE demand."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", use_attribute_docstrings=True, defer_build=True
    )


class ResourceDescriptor(Foreign):
    """A model, or a file, by its digests."""

    name: str
    """Name as in the report or fingerprint; what it names is identified by digest alone."""
    digest: dict[str, str]

    def same(self, expected: ResourceDescriptor) -> bool:
        """Whether this is what was expected; other algorithms in a digest set are ignored, as in-toto demands."""
        return self.name == expected.name and expected.digest.items() <= self.digest.items()


class _Signature(Foreign):
    keyid: str = ""
    sig: str


class _Envelope(Foreign):
    payload: str
    payload_type: str = Field(alias="payloadType", pattern="^[ -~]*$")
    signatures: list[_Signature] = Field(min_length=1, max_length=_MOST_SIGNATURES)


def sealed(payload: bytes, key: bytes, passphrase: bytes | None) -> bytes:
    """An envelope around a statement, signed; the same payload and key give the same bytes.

    Parameters
    ----------
    payload : the statement in canonical JSON.
    key : a private Ed25519 key (PKCS#8, PEM).
    passphrase : of an encrypted key.

    Raises
    ------
    ReportError
        If the envelope would be too long to read back.
    InputError
        If the key cannot be used.
    VerifyError
        If the extra ``sign`` is not installed.
    """
    private = signer(key, passphrase)
    from securesystemslib.dsse import Envelope

    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(private)
    content = canonical(envelope.to_dict())
    if len(content) > LONGEST_ENVELOPE:
        raise ReportError(f"The report is too long to sign: {len(content)} bytes of at most {LONGEST_ENVELOPE}.")
    return content


def opened(content: bytes, key: SSlibKey, sound: Callable[[bytes], object]) -> bytes:
    """The statement in an envelope, once a key is known to have signed it.

    Parameters
    ----------
    content : the envelope.
    key : the public key.
    sound : reads a statement, and raises ReportError or pydantic's error if it was altered; only to say what broke.

    Raises
    ------
    SignatureError
        If the key did not sign, or the envelope was altered.
    ReportError
        If it is no envelope of an in-toto statement.
    """
    return _signed_payload(_read(content), key, sound)


def signed_kind(content: bytes) -> str | None:
    """The type of the predicate in an envelope, as it states it, before any signature is checked; None if none."""
    try:
        found = parse(standard_b64decode(parse(content, "the envelope")["payload"]), "the payload").get(
            "predicateType"
        )
    except (ReportError, KeyError, TypeError, ValueError):
        return None
    return found if isinstance(found, str) else None


def parse(content: bytes, what: str) -> dict[str, Any]:
    """A JSON object of bounded length, no key of which appears twice.

    Raises
    ------
    ReportError
        If it is anything else.
    """
    try:
        return json_object(content, most=LONGEST_ENVELOPE)
    except ValueError as error:
        raise ReportError(f"{what[:1].upper()}{what[1:]} {error!s}; give one that `verify` wrote.") from error


def refused(what: str, kind: str, error: ValidationError) -> ReportError:
    """The error for something that is not of its form.

    Parameters
    ----------
    what : where, in words.
    kind : what was expected, in words, such as ``claim report``.
    error : pydantic's.
    """
    return ReportError(f"In {what} is no signed {kind} ({first_problem(error)}); give one that `verify sign` wrote.")


def _read(content: bytes) -> Envelope:
    """Everything is bounded and typed before securesystemslib sees it."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature

    try:
        found = _Envelope.model_validate(parse(content, "the envelope"))
    except ValidationError as error:
        raise refused("the envelope", "claim report", error) from error
    signatures = {s.keyid: Signature(s.keyid, _decoded(s.sig, "a signature").hex()) for s in found.signatures}
    if len(signatures) != len(found.signatures):
        raise ReportError("The envelope holds two signatures of one key; give one that `verify sign` wrote.")
    return Envelope(_decoded(found.payload, "the payload"), found.payload_type, signatures)


def _decoded(text: str, what: str) -> bytes:
    """Standard base64 only, with no stray bit: an envelope has one text for its bytes."""
    try:
        value = standard_b64decode(text)
        if standard_b64encode(value).decode() == text:
            return value
    except ValueError:
        pass
    raise SignatureError(f"Not valid: {what} in the envelope is not the base64 that was written, so it was altered.")


def _signed_payload(envelope: Envelope, key: SSlibKey, sound: Callable[[bytes], object]) -> bytes:
    """The payload, once the key is known to have signed it and its type."""
    from securesystemslib.exceptions import UnverifiedSignatureError

    if key.keyid not in envelope.signatures:
        named = ", ".join(f"{keyid[:16]!r}" for keyid in list(envelope.signatures)[:3])
        raise SignatureError(
            f"Not valid: the key given ({key.keyid:.16}) is not one that signed; the envelope names {named}."
        )
    try:
        envelope.verify([key], 1)
        if int.from_bytes(bytes.fromhex(envelope.signatures[key.keyid].signature)[32:], "little") >= _ORDER:
            raise UnverifiedSignatureError("not reduced")
    except UnverifiedSignatureError as error:
        raise SignatureError(f"Not valid: {_what_broke(envelope, sound)}") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ReportError(
            f"What was signed is of type {envelope.payload_type!r:.80}, where {PAYLOAD_TYPE!r} was expected; give an "
            "envelope that `verify sign` wrote."
        )
    return envelope.payload


def _what_broke(envelope: Envelope, sound: Callable[[bytes], object]) -> str:
    """The likeliest reason: a signature tells only that it, the payload or the payload's type is not as signed."""
    if envelope.payload_type != PAYLOAD_TYPE:
        return "the payload's type was altered after it was signed."
    try:
        sound(envelope.payload)
    except (ValidationError, ReportError):
        return "the payload was altered after it was signed; the report in it is no longer intact."
    return "the signature is not this key's on this payload; one of the two was altered or exchanged."
