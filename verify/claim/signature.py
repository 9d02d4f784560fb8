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
report is checked when it is signed, and the signer vouches for it. Where both models have one name, only the order
tells which folder is whose, so both are given or none.

**Libraries.** securesystemslib wraps, signs and verifies DSSE (it is what in-toto and TUF use: three packages in all)
and pyca/cryptography reads and writes keys. Not model-signing: a clean install fails on an undeclared dependency,
brings 35 packages, and signs files rather than claims about them. Not sigstore: it needs a network and an identity
provider, and a claim must be checkable without either. Not in-toto-attestation: generated protocol buffers, last
released in 2023; a statement has four fields, which are a record here. Everything is imported where it is used.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from ..base import ReportError
from ..base.canonical_json import canonical
from ..base.envelope import (
    CONTENT_DIGEST,
    LONGEST_ENVELOPE,
    PAYLOAD_TYPE,
    PROJECT,
    SHA256,
    STATEMENT_TYPE,
    Foreign,
    ResourceDescriptor,
    SignatureError,
    opened,
    parse,
    refused,
    sealed,
)
from ..base.keys import generate_key, is_encrypted, key_id, public
from ..fingerprint.signature import digests
from .folder import bound, folder_sha256
from .report import ClaimReport
from .subject import Subject

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

__all__ = [
    "CONTENT_DIGEST",
    "LONGEST_ENVELOPE",
    "PAYLOAD_TYPE",
    "SignatureError",
    "generate_key",
    "is_encrypted",
    "key_id",
    "parse",
    "sign",
    "statement",
    "unsigned",
    "verify_signature",
]

_PREDICATE = f"{PROJECT}#claim-report/v"
"""Under it the report's schema."""
_EARLIER_PREDICATE = "urn:uuid:4336c167-dc25-4f3a-bd71-5e92bbd58cb0#verify-claim-report-v"
"""As written by version 0.1.0."""

Folders = tuple[str | os.PathLike[str] | None, str | os.PathLike[str] | None]
"""Folders of A and B."""


class Statement(Foreign):
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


def statement(report: ClaimReport, folders: Folders = (None, None)) -> Statement:
    """The statement that is signed: both models by digest, and the whole report.

    Parameters
    ----------
    report : the report.
    folders : folders of A and B, to name them whole too; None for one that is not at hand.

    Raises
    ------
    ReportError
        If the report was altered after it was made, a digest in it is not one, a folder is not of its model, or one
        folder is given of two models of one name.
    InputError
        If a folder cannot be digested.
    """
    if not report.is_intact():
        raise ReportError("The report was altered after it was made, so it is not signed; make it again.")
    models = (report.a, report.b)
    if report.a.name == report.b.name and folders.count(None) == 1:
        raise ReportError(
            f"Both models are called {report.a.name!r:.120}, so a signature of one folder would not say whose it is; "
            "give the folders of both."
        )
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
    return sealed(canonical(statement(report, folders).model_dump(by_alias=True)), key, passphrase)


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
    payload = opened(envelope, key, lambda content: _report(Statement.model_validate(parse(content, "the payload"))))
    try:
        found = Statement.model_validate(parse(payload, "the signed payload"))
    except ValidationError as error:
        raise refused("the signed payload", "claim report", error) from error
    report = _report(found)
    if found.predicate_type not in [f"{kind}{report.schema_of_maker}" for kind in (_PREDICATE, _EARLIER_PREDICATE)]:
        raise SignatureError(
            f"The signature holds, but the statement says its report is {found.predicate_type[-40:]!r}, and it is of "
            f"schema {report.schema_of_maker}, so it was not made by this library; ask its signer for another."
        )
    models = (report.a, report.b)
    first, whole = found.subject[:2], found.subject[2:]
    named = [[_whole(one) for one in some] for some in ((), models[:1], models[1:], models)]
    ours = len(first) == 2 and all(one.same(_subject(model)) for one, model in zip(first, models, strict=True))
    if not ours or [one.name for one in whole] not in named:
        raise SignatureError(
            "The signature holds, but the statement's subjects are not the models of the report in it, so it was "
            "not made by this library; ask its signer for another."
        )
    if len(whole) == 1 and report.a.name == report.b.name and folders != (None, None):
        raise SignatureError(
            f"Not valid for a folder: both models are called {report.a.name!r:.120}, and one folder was signed "
            "without saying whose; the signature holds."
        )
    of_sides = whole if len(whole) == 2 else [next((w for w in whole if w.name == _whole(m)), None) for m in models]
    for model, one, folder in zip(models, of_sides, folders, strict=True):
        if folder is not None:
            signed = None if one is None else one.digest.get("sha256")
            if folder_sha256(folder) != signed:
                told = "no folder of it was signed" if one is None else "another folder was signed"
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


def _subject(subject: Subject) -> ResourceDescriptor:
    hashes = [file.sha256 for file in subject.files if file.sha256 is not None]
    for value in (*hashes, subject.content_sha256):
        if not SHA256.fullmatch(value):
            raise ReportError(
                f"The report gives {value!r:.80} as a sha256 of {subject.name!r:.120}, where 64 lowercase "
                "hexadecimal digits were expected; make it again."
            )
    return ResourceDescriptor(name=subject.name, digest=digests(subject))


def _is(signed: ClaimReport, content: bytes) -> bool:
    """Whether a report is the signed one; an altered one is not, and a file that is no report is an error."""
    fields = parse(content, "the report")
    try:
        return ClaimReport.from_json(content.decode()).digest == signed.digest
    except ReportError:
        if {name for name, field in ClaimReport.model_fields.items() if field.is_required()} <= fields.keys():
            return False
        raise


def _report(found: Statement) -> ClaimReport:
    try:
        text = json.dumps(found.predicate)
    except (ValueError, RecursionError) as error:
        raise ReportError(f"The signed predicate is not a claim report ({str(error)!r:.120}).") from error
    return ClaimReport.from_json(text)
