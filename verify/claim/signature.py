"""Signatures of claim reports: offline, with a local Ed25519 key, in the formats of the software supply chain.

A signature says that the holder of a key vouches for a report, byte for byte. It does not say that the report is
right, nor when it was signed; that is what replaying it with the weights, and publishing its digest, are for.

**Format.** A DSSE envelope (JSON) whose payload, of type ``application/vnd.in-toto+json``, is an in-toto Statement v1
in canonical JSON, described by ``schemas/claim-statement-2.schema.json``. Its ``predicate`` is the whole report, as
in ``report.json``, and its ``predicateType`` names the report's schema. Its first two ``subject`` entries are the
questioned model and the reference, in this order, each with two digests in lowercase hexadecimal:

``sha256``
    As OpenSSF model signing digests a model: sha256 over the concatenated sha256 digests of its files (32 raw bytes
    each, not hexadecimal; no names, no separators), ordered by file name. The files are those that the report lists
    for the subject: the weight files. It is thus the root digest of an OpenSSF signature made of these files alone.
    Absent where the report lists no file.
``verify-content-sha256``
    The report's ``content_sha256``: over every learned tensor, so a lossless change of format or sharding keeps it.
``verify-read-sha256``
    In its place where the weights were not read whole: over the rows that were.

Where the models' folders are given when it is signed, a subject for each follows, named as the model and a slash,
whose ``sha256`` is that of the whole folder, with configuration, tokenizer and card (:mod:`verify.claim.folder`): the
subject of the ``model.sig`` that ``model_signing sign`` writes by default. That the weights in it are those of the
report is checked when it is signed, and the signer vouches for it.

**Libraries.** securesystemslib wraps, signs and verifies DSSE (it is what in-toto and TUF use: three packages in all)
and pyca/cryptography reads and writes keys. Not model-signing: a clean install fails on an undeclared dependency,
brings 35 packages, and signs files rather than claims about them. Not sigstore: it needs a network and an identity
provider, and a claim must be checkable without either. Not in-toto-attestation: generated protocol buffers, last
released in 2023; a statement has four fields, which are a record here. Everything is imported where it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from base64 import standard_b64decode, standard_b64encode
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..base import ReportError, first_problem, json_object
from ..base.canonical_json import canonical
from .folder import bound, folder_sha256
from .keys import generate_key, is_encrypted, key_id, public, signer
from .report import ClaimReport
from .subject import Subject

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

__all__ = [
    "SignatureError",
    "generate_key",
    "is_encrypted",
    "key_id",
    "sign",
    "statement",
    "unsigned",
    "verify_signature",
]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://pypi.org/project/verify-lineage#claim-report/v"
"""The page of the distribution, which whoever publishes it owns, and under it the report's schema."""
_EARLIER_PREDICATE = "urn:uuid:4336c167-dc25-4f3a-bd71-5e92bbd58cb0#verify-claim-report-v"
"""As written by version 0.1.0."""
CONTENT_DIGEST = "verify-content-sha256"
READ_DIGEST = "verify-read-sha256"

Folders = tuple[str | os.PathLike[str] | None, str | os.PathLike[str] | None]
"""Folders of A and B."""
LONGEST_ENVELOPE = 1 << 24  # bytes; reports are some 10 kB to 1 MB
_MOST_SIGNATURES = 64
_SHA256 = re.compile("[0-9a-f]{64}")
_ORDER = 2**252 + 27742317777372353535851937790883648493
"""Order of Ed25519's group. A signature whose second half is no smaller is another text of the same one: refused by
RFC 8032 and OpenSSL, and not by securesystemslib's own arithmetic, which runs where pyca/cryptography is absent."""


class SignatureError(ReportError):
    """The envelope is one of a claim report, and its signature does not hold."""


class _Foreign(BaseModel):
    """Formats of others: frozen and strict, and unknown fields are ignored, as in-toto and DSSE demand."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", use_attribute_docstrings=True, defer_build=True
    )


class ResourceDescriptor(_Foreign):
    """A model, by its digests."""

    name: str
    """Name as in the report; models are identified by digest alone."""
    digest: dict[str, str]


class Statement(_Foreign):
    """An in-toto Statement v1 about two models."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: list[ResourceDescriptor] = Field(json_schema_extra={"minItems": 2, "maxItems": 4})
    """The questioned model, then the reference; then the whole folder of either, under its name and a slash."""
    predicate_type: str = Field(
        alias="predicateType", pattern=f"^({_PREDICATE}|{_EARLIER_PREDICATE})[1-9][0-9]{{0,3}}$"
    )
    """The type of the predicate, which ends with the schema of the report."""
    predicate: dict[str, Any]
    """The whole report."""


class _Signature(_Foreign):
    keyid: str = ""
    sig: str


class _Envelope(_Foreign):
    payload: str
    payload_type: str = Field(alias="payloadType", pattern="^[ -~]*$")
    signatures: list[_Signature] = Field(min_length=1, max_length=_MOST_SIGNATURES)


def statement(report: ClaimReport, folders: Folders = (None, None)) -> Statement:
    """The statement that is signed: both models by digest, and the whole report.

    Parameters
    ----------
    report : the report.
    folders : folders of A and B, to name them whole too; None for one that is not at hand.

    Raises
    ------
    ReportError
        If the report was altered after it was made, a digest in it is not one, or a folder is not of its model.
    InputError
        If a folder cannot be digested.
    """
    if not report.is_intact():
        raise ReportError("The report was altered after it was made, so it is not signed; make it again.")
    models = (report.a, report.b)
    subjects = [_subject(model) for model in models]
    subjects += [
        ResourceDescriptor(name=_whole(model), digest={"sha256": bound(model, folder)})
        for model, folder in zip(models, folders, strict=True)
        if folder is not None
    ]
    fields = {"subject": subjects, "predicate": json.loads(report.to_json())}
    kind = predicate_type(report.schema_of_maker)
    return Statement.model_validate({"_type": STATEMENT_TYPE, "predicateType": kind} | fields)


def unsigned(report: ClaimReport) -> bytes:
    """The statement in canonical JSON, for other tools to sign."""
    return canonical(statement(report).model_dump(by_alias=True)) + b"\n"


def predicate_type(schema: int) -> str:
    """The type of a predicate that is a report, by the schema it was made under."""
    return f"{_PREDICATE}{schema}"


def _whole(model: Subject) -> str:
    """The name of a model's whole folder."""
    return f"{model.name}/"


def sign(
    report: ClaimReport, key: bytes, *, passphrase: bytes | None = None, folders: Folders = (None, None)
) -> bytes:
    """Sign a report.

    Parameters
    ----------
    report : as made, or as read from ``report.json``.
    key : a private Ed25519 key (PKCS#8, PEM), as :func:`generate_key` makes it.
    passphrase : of an encrypted key; ignored where the key is not.
    folders : folders of A and B, which the signature then covers whole; None for one that is not at hand.

    Returns
    -------
    envelope : a DSSE envelope in canonical JSON. The same report and key give the same bytes.

    Raises
    ------
    ReportError
        If the report was altered after it was made, or a folder does not hold the weights of its model.
    InputError
        If the key cannot be used, or a folder cannot be digested.
    VerifyError
        If the extra ``sign`` is not installed.
    """
    private = signer(key, passphrase)
    from securesystemslib.dsse import Envelope

    payload = canonical(statement(report, folders).model_dump(by_alias=True))
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(private)
    content = canonical(envelope.to_dict())
    if len(content) > LONGEST_ENVELOPE:
        raise ReportError(f"The report is too long to sign: {len(content)} bytes of at most {LONGEST_ENVELOPE}.")
    return content


def verify_signature(envelope: bytes, public_key: bytes, *, folders: Folders = (None, None)) -> ClaimReport:
    """The report in an envelope, if the holder of a key signed it.

    An envelope may hold other signatures; they are neither needed nor looked at.

    Parameters
    ----------
    envelope : what :func:`sign` returned.
    public_key : an Ed25519 key (SubjectPublicKeyInfo, PEM), as :func:`generate_key` makes it.
    folders : folders of A and B that must be those that were signed; None to check none.

    Raises
    ------
    SignatureError
        If this key did not sign, the payload or the signature was altered, the subjects are not the report's, or a
        folder is not one that was signed.
    ReportError
        If it is not an envelope of a claim report.
    InputError
        If the key cannot be used.
    VerifyError
        If the extra ``sign`` is not installed.
    """
    return signed_report(envelope, public(public_key), folders)


def signed_report(envelope: bytes, key: SSlibKey, folders: Folders = (None, None)) -> ClaimReport:
    """The report in an envelope, if a key signed it that was read already; otherwise as :func:`verify_signature`.

    Parameters
    ----------
    envelope, folders : as there.
    key : the public key.
    """
    payload = _signed_payload(_read_envelope(envelope), key)
    try:
        found = Statement.model_validate(parse(payload, "the signed payload"))
    except ValidationError as error:
        raise _refused("the signed payload", error) from error
    report = _report(found)
    if found.predicate_type not in [f"{kind}{report.schema_of_maker}" for kind in (_PREDICATE, _EARLIER_PREDICATE)]:
        raise SignatureError(
            f"The signature holds, but the statement says its report is {found.predicate_type[-40:]!r}, and it is of "
            f"schema {report.schema_of_maker}, so it was not made by this library; ask its signer for another."
        )
    models = (report.a, report.b)
    first, whole = found.subject[:2], found.subject[2:]
    named = [[_whole(one) for one in some] for some in ((), models[:1], models[1:], models)]
    ours = len(first) == 2 and all(map(_same, first, map(_subject, models)))
    if not ours or [one.name for one in whole] not in named:
        raise SignatureError(
            "The signature holds, but the statement's subjects are not the models of the report in it, so it was "
            "not made by this library; ask its signer for another."
        )
    for model, folder in zip(models, folders, strict=True):
        if folder is not None:
            signed = [one.digest.get("sha256") for one in whole if one.name == _whole(model)]
            if folder_sha256(folder) not in signed:
                told = "another folder was signed" if signed else "no folder of it was signed"
                raise SignatureError(
                    f"Not valid for this folder of {model.name!r:.120}: {told}; the signature holds."
                )
    return report


def check_signed(signed: ClaimReport, name: str, content: bytes) -> None:
    """Check that a file is the signed report.

    Parameters
    ----------
    signed : the report in an envelope.
    name : of the file.
    content : its bytes.

    Raises
    ------
    SignatureError
        If it is another report, or was altered.
    ReportError
        If it is no report.
    """
    if not _is(signed, content):
        raise SignatureError(
            f"Not valid for {name!r:.120}: it differs from the signed report, whose digest is {signed.digest}; the "
            "signature itself holds."
        )


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


def _subject(subject: Subject) -> ResourceDescriptor:
    files = sorted(subject.files, key=lambda file: (file.name, file.sha256 or ""))
    hashes = [file.sha256 for file in files if file.sha256 is not None]
    for value in (*hashes, subject.content_sha256):
        if not _SHA256.fullmatch(value):
            raise ReportError(
                f"The report gives {value!r:.80} as a sha256 of {subject.name!r:.120}, where 64 lowercase "
                "hexadecimal digits were expected; make it again."
            )
    digests = {CONTENT_DIGEST if subject.effort == "full" else READ_DIGEST: subject.content_sha256}
    if hashes and len(hashes) == len(files):
        digests["sha256"] = hashlib.sha256(b"".join(map(bytes.fromhex, hashes))).hexdigest()
    return ResourceDescriptor(name=subject.name, digest=digests)


def _is(signed: ClaimReport, content: bytes) -> bool:
    """Whether a report is the signed one; an altered one is not, and a file that is no report is an error."""
    fields = parse(content, "the report")
    try:
        return ClaimReport.from_json(content.decode()).digest == signed.digest
    except ReportError:
        if {name for name, field in ClaimReport.model_fields.items() if field.is_required()} <= fields.keys():
            return False
        raise


def _same(found: ResourceDescriptor, expected: ResourceDescriptor) -> bool:
    """Other algorithms in a digest set are ignored, as in-toto demands."""
    return found.name == expected.name and expected.digest.items() <= found.digest.items()


def _read_envelope(content: bytes) -> Envelope:
    """Everything is bounded and typed before securesystemslib sees it."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature

    try:
        found = _Envelope.model_validate(parse(content, "the envelope"))
    except ValidationError as error:
        raise _refused("the envelope", error) from error
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


def _signed_payload(envelope: Envelope, key: SSlibKey) -> bytes:
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
        raise SignatureError(f"Not valid: {_what_broke(envelope)}") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ReportError(
            f"What was signed is of type {envelope.payload_type!r:.80}, where {PAYLOAD_TYPE!r} was expected; give an "
            "envelope that `verify sign` wrote."
        )
    return envelope.payload


def _what_broke(envelope: Envelope) -> str:
    """The likeliest reason: a signature tells only that it, the payload or the payload's type is not as signed."""
    if envelope.payload_type != PAYLOAD_TYPE:
        return "the payload's type was altered after it was signed."
    try:
        _report(Statement.model_validate(parse(envelope.payload, "the payload")))
    except (ValidationError, ReportError):
        return "the payload was altered after it was signed; the report in it is no longer intact."
    return "the signature is not this key's on this payload; one of the two was altered or exchanged."


def _report(found: Statement) -> ClaimReport:
    try:
        text = json.dumps(found.predicate)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"The signed predicate is not a claim report ({str(error)!r:.120}).") from error
    return ClaimReport.from_json(text)


def _refused(what: str, error: ValidationError) -> ReportError:
    return ReportError(
        f"In {what} is no signed claim report ({first_problem(error)}); give one that `verify sign` wrote."
    )
