"""Signatures of fingerprints: who stands for it that a fingerprint is of the model that it names.

Arrays prove nothing about the weights that they were made from, and whoever writes a fingerprint can write any
digests. A signature does not change that; it names the one who can be asked.

**Format.** A DSSE envelope whose payload is an in-toto Statement v1 in canonical JSON, described by
``schemas/fingerprint-statement-1.schema.json``. Its one ``subject`` is the fingerprint's file, by sha256, so any
in-toto verifier can bind it; its ``predicate`` names the model, by the digests that a signed report names it by
(:mod:`verify.claim.signature`). The envelope lies beside the file, under its name and ``.dsse``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from ..base import FingerprintError, InputError, ReportError, read_regular
from ..base.canonical_json import canonical
from ..base.envelope import (
    CONTENT_DIGEST,
    LONGEST_ENVELOPE,
    PROJECT,
    READ_DIGEST,
    SHA256,
    STATEMENT_TYPE,
    Foreign,
    ResourceDescriptor,
    SignatureError,
    opened,
    parse,
    refused,
    sealed,
    signed_kind,
)
from ..base.keys import public
from .record import Fingerprint, Signed

if TYPE_CHECKING:
    from .same import Stating

PREDICATE = f"{PROJECT}#fingerprint/v1"
_LONGEST_KEY = 1 << 16  # bytes


class FingerprintPredicate(Foreign):
    """What is said of a fingerprint: which model it is of."""

    model: ResourceDescriptor


class FingerprintStatement(Foreign):
    """An in-toto Statement v1 about a fingerprint."""

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: list[ResourceDescriptor] = Field(min_length=1, max_length=1)
    """The fingerprint's file, under the name of its model."""
    predicate_type: Literal["https://pypi.org/project/verify-lineage#fingerprint/v1"] = Field(alias="predicateType")
    predicate: FingerprintPredicate


def digests(model: Stating) -> dict[str, str]:
    """The digests by which statements name a model.

    Parameters
    ----------
    model : a record of the model.

    Returns
    -------
    dict
        ``verify-content-sha256``, or ``verify-read-sha256`` where not all was read; and, where all files were
        digested, ``sha256`` over their digests in order of their names, as OpenSSF model signing digests a model.
    """
    files = sorted(model.files, key=lambda file: (file.name, file.sha256 or ""))
    hashes = [file.sha256 for file in files if file.sha256 is not None]
    found = {CONTENT_DIGEST if model.effort == "full" else READ_DIGEST: model.content_sha256}
    if hashes and len(hashes) == len(files):
        found["sha256"] = hashlib.sha256(b"".join(map(bytes.fromhex, hashes))).hexdigest()
    return found


def statement(fingerprint: Fingerprint) -> FingerprintStatement:
    """The statement that is signed.

    Parameters
    ----------
    fingerprint : whole, as it is or will be saved.

    Raises
    ------
    FingerprintError
        If it states no digest of its arrays, or a digest that is none.
    """
    record = fingerprint.record
    if not record.arrays_sha256:
        raise FingerprintError(
            f"The fingerprint of {record.name!r:.120} states no digest of its arrays, so it is not signed; make it "
            "again from the weights."
        )
    for file in record.files:
        if file.sha256 is not None and not SHA256.fullmatch(file.sha256):
            raise FingerprintError(
                f"The fingerprint of {record.name!r:.120} gives {file.sha256!r:.80} as a sha256, where 64 lowercase "
                "hexadecimal digits were expected; make it again."
            )
    own = ResourceDescriptor(name=record.name, digest={"sha256": fingerprint.digest.removeprefix("sha256:")})
    model = ResourceDescriptor(name=record.name, digest=digests(record))
    fields = {"_type": STATEMENT_TYPE, "predicateType": PREDICATE, "subject": [own], "predicate": {"model": model}}
    return FingerprintStatement.model_validate(fields)


def sign(fingerprint: Fingerprint, key: bytes, *, passphrase: bytes | None = None) -> bytes:
    """Sign a fingerprint.

    Parameters
    ----------
    fingerprint : as made, or as loaded from its file.
    key : a private Ed25519 key (PKCS#8, PEM), as ``verify keygen`` makes it.
    passphrase : of an encrypted key.

    Returns
    -------
    envelope : a DSSE envelope in canonical JSON; the same fingerprint and key give the same bytes.

    Raises
    ------
    FingerprintError
        If the fingerprint states no digest of its arrays.
    InputError
        If the key cannot be used.
    VerifyError
        If the extra ``sign`` is not installed.
    """
    return sealed(canonical(statement(fingerprint).model_dump(by_alias=True)), key, passphrase)


def verify_signature(
    envelope: bytes, public_key: bytes, fingerprint: Fingerprint | None = None
) -> tuple[str, FingerprintStatement]:
    """The key that signed a fingerprint, and what it signed.

    Parameters
    ----------
    envelope : what :func:`sign` returned.
    public_key : an Ed25519 key (SubjectPublicKeyInfo, PEM).
    fingerprint : must be the one that was signed; None to check the envelope alone.

    Raises
    ------
    SignatureError
        If this key did not sign, the envelope was altered, or another fingerprint was signed.
    ReportError
        If it is no envelope of a fingerprint.
    InputError
        If the key cannot be used.
    VerifyError
        If the extra ``sign`` is not installed.
    """
    key = public(public_key)
    payload = opened(envelope, key, _statement)
    found = _statement(payload)
    if fingerprint is not None:
        if f"sha256:{found.subject[0].digest.get('sha256')}" != fingerprint.digest:
            raise SignatureError(
                f"Not valid for this fingerprint of {fingerprint.record.name!r:.120}: another one was signed, of "
                f"sha256 {found.subject[0].digest.get('sha256', '')!r:.18}...; the signature itself holds."
            )
        expected = statement(fingerprint)
        if not found.subject[0].same(expected.subject[0]) or not found.predicate.model.same(expected.predicate.model):
            raise SignatureError(
                "The signature holds, but the statement names another model than the fingerprint, so it was not made "
                "by this library; ask its signer for another."
            )
    return key.keyid, found


def is_of_fingerprint(envelope: bytes) -> bool:
    """Whether an envelope says that it is of a fingerprint; its signature is not checked."""
    return signed_kind(envelope) == PREDICATE


def checked(fingerprint: Fingerprint, path: Path, signer: Path) -> Signed:
    """That a key signed a fingerprint, by the envelope beside its file.

    Parameters
    ----------
    fingerprint : as loaded.
    path : its file.
    signer : file of the public key that must have signed.

    Raises
    ------
    FingerprintError
        If there is no envelope, or the key did not sign this fingerprint.
    InputError
        If the key cannot be used.
    """
    key_given = key_of(signer)
    beside = envelope_of(path)
    if not beside.is_file():
        raise FingerprintError(
            f"The fingerprint {path.name!r:.120} is not signed: there is no {beside.name!r:.120} beside it; obtain "
            "it, or leave the signer out."
        )
    try:
        key, _ = verify_signature(_bytes(beside, LONGEST_ENVELOPE), key_given, fingerprint)
    except ReportError as error:
        raise FingerprintError(f"The signature of the fingerprint {path.name!r:.120}: {error}") from error
    return Signed(status="valid", key=key)


def key_of(signer: Path) -> bytes:
    """The public key in a file.

    Raises
    ------
    InputError
        If it cannot be read, or is no such key.
    VerifyError
        If the extra ``sign`` is not installed.
    """
    content = _bytes(signer, _LONGEST_KEY)
    public(content)
    return content


def envelope_of(path: Path) -> Path:
    """The file of a fingerprint's signature."""
    return path.with_name(f"{path.name}.dsse")


def _statement(payload: bytes) -> FingerprintStatement:
    try:
        return FingerprintStatement.model_validate(parse(payload, "the signed payload"))
    except ValidationError as error:
        raise refused("the signed payload", "fingerprint", error) from error


def _bytes(path: Path, longest: int) -> bytes:
    try:
        return read_regular(path, longest)
    except OSError as error:
        raise InputError(f"{path.name!r:.120} cannot be read ({error.strerror}); check the path.") from error
