"""``verify keygen``, ``verify sign`` and ``verify check-signature``: reports and fingerprints signed with a key."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from uuid import uuid4

import click

from ..base import InputError, json_object, read_regular, sha256_of_file, write_atomically
from .command import Command, GivenPath, option
from .options import OUTPUT, refuse_beside
from .output import check_apart, check_writable, echo, printable

_PASSPHRASE = "VERIFY_KEY_PASSPHRASE"
_LONGEST_KEY = 1 << 16  # bytes


@click.command(
    cls=Command,
    section="Check reports",
    examples=("verify keygen -o me.key                    writes me.key and me.key.pub",),
    see="docs/replay.md",
)
@option("-o", "--output", group=OUTPUT, type=GivenPath(named=True), required=True, help="File of the private key.")
def keygen(output: Path) -> None:
    """Make an Ed25519 key: OUTPUT, to keep secret, and OUTPUT.pub, to publish. Never overwrites.

    The private key is not encrypted: only the file's mode (0600) protects it.
    """
    from ..base.keys import generate_key, key_id

    public_file = output.with_name(output.name + ".pub")
    check_writable(output, public_file)
    check_apart(output.parent)
    private, public = generate_key()
    output.parent.mkdir(parents=True, exist_ok=True)
    _create(public_file, public, 0o644)
    try:
        _create(output, private, 0o600)
    except BaseException:
        public_file.unlink()
        raise
    echo(f"key {key_id(public)}\n{output} (keep secret)\n{public_file} (publish)")


@click.command(
    cls=Command,
    section="Check reports",
    examples=(
        "verify sign report/report.json --key me.key",
        "verify sign model.safetensors --key me.key     a fingerprint; others give --signer me.key.pub",
    ),
    see="docs/replay.md",
)
@click.argument("file", type=GivenPath(named=True))
@option("--key", type=GivenPath(), required=True, help="File of the private key.")
@option("-o", "--output", group=OUTPUT, type=GivenPath(named=True), help="Envelope to write; FILE.dsse by default.")
@option("--a", type=GivenPath(), help="Folder of model A, to cover it whole, as model.sig does.")
@option("--b", type=GivenPath(), help="Folder of model B, likewise.")
def sign(file: Path, key: Path, output: Path | None, a: Path | None, b: Path | None) -> None:
    """Sign FILE, a report.json or a fingerprint: writes a DSSE envelope.

    The envelope of a report holds the whole report; that of a fingerprint its digest and those of its model. Commands
    look for the latter beside the fingerprint, under its name and .dsse.

    The passphrase of an encrypted key is asked for, or taken from VERIFY_KEY_PASSPHRASE.
    """
    from ..fingerprint import is_fingerprint

    target = file.with_name(file.name + ".dsse") if output is None else output
    check_writable(target)
    if target.resolve() in (file.resolve(), key.resolve()):
        raise InputError(f"{target.name!r:.120} would be overwritten by its own signature; give another -o.")
    if target.is_file() and target.stat().st_size and not _is_envelope(target):
        raise InputError(f"{target.name!r:.120} is no envelope of a report, and would be lost; give another -o.")
    secret = _read(key, _LONGEST_KEY)
    if is_fingerprint(file):
        refuse_beside("a fingerprint", "a", "b")
        envelope = _signed_fingerprint(file, secret, key.name)
    else:
        from ..claim import ClaimReport
        from ..claim.signature import sign as seal

        report = ClaimReport.from_json(file)
        envelope = seal(report, secret, passphrase=_passphrase(key.name, secret), folders=(a, b))
    write_atomically(target, envelope + b"\n")
    echo(str(target))


@click.command(
    cls=Command,
    section="Check reports",
    examples=(
        "verify check-signature report.json.dsse --key their.key.pub",
        "verify check-signature report.json.dsse --key their.key.pub --report report.json",
        "verify check-signature model.safetensors.dsse --key their.key.pub --fingerprint model.safetensors",
    ),
    statuses={0: "the signature is valid", 1: "it is not: says what broke"},
    see="docs/replay.md",
)
@click.argument("envelope", type=GivenPath())
@option("--key", type=GivenPath(), required=True, help="File of the signer's public key.")
@option("--report", type=GivenPath(), help="A report.json that must be the signed one.")
@option("--fingerprint", type=GivenPath(), help="A fingerprint that must be the signed one.")
@option("--a", type=GivenPath(), help="Folder of model A that must be the signed one.")
@option("--b", type=GivenPath(), help="Folder of model B, likewise.")
def check_signature(
    envelope: Path, key: Path, report: Path | None, fingerprint: Path | None, a: Path | None, b: Path | None
) -> None:
    """Check that the holder of a key signed what ENVELOPE is of: a report, or a fingerprint.

    A valid signature says who vouches for it, not that it is right.
    """
    from ..base.envelope import LONGEST_ENVELOPE, SignatureError
    from ..base.keys import key_id

    public, content = _read(key, _LONGEST_KEY), _read(envelope, LONGEST_ENVELOPE)
    try:
        signed = _what_was_signed(content, public, report, fingerprint, (a, b))
    except SignatureError as error:
        echo(str(error), err=True)
        sys.exit(1)
    echo(f"Valid: key {key_id(public)}\nsigned {signed}")


def _what_was_signed(
    content: bytes,
    public: bytes,
    report: Path | None,
    fingerprint: Path | None,
    folders: tuple[Path | None, Path | None],
) -> str:
    """What an envelope is of, once its signature is known to hold for what is given."""
    from ..base.keys import require
    from ..fingerprint import Fingerprint
    from ..fingerprint import signature as of_fingerprints

    require()
    if of_fingerprints.is_of_fingerprint(content):
        refuse_beside("an envelope of a fingerprint", "report", "a", "b")
        given = None if fingerprint is None else Fingerprint.load(fingerprint)
        _, found = of_fingerprints.verify_signature(content, public, given)
        model = found.predicate.model
        named = ", ".join(f"{name} {printable(value)}" for name, value in sorted(model.digest.items()))
        return (
            f"fingerprint sha256:{printable(found.subject[0].digest.get('sha256', ''))}\n"
            f"of {printable(model.name)} ({printable(named)})"
        )
    refuse_beside("an envelope of a report", "fingerprint")
    from ..claim.signature import check_signed, verify_signature

    signed = verify_signature(content, public, folders=folders)
    if report is not None:
        from ..base.envelope import LONGEST_ENVELOPE

        check_signed(signed, report.name, _read(report, LONGEST_ENVELOPE))
    return f"report {signed.digest}"


def _signed_fingerprint(file: Path, secret: bytes, key: str) -> bytes:
    """The envelope of a fingerprint, whose digest must be that of the file."""
    from ..fingerprint import Fingerprint
    from ..fingerprint.signature import sign as seal

    found = Fingerprint.load(file)
    if found.digest != f"sha256:{sha256_of_file(file)}":
        raise InputError(
            f"{file.name!r:.120} is laid out otherwise than this version of verify writes it, so its digest "
            "would not be that of the file; make it again with `verify fingerprint`."
        )
    return seal(found, secret, passphrase=_passphrase(key, secret))


def _is_envelope(path: Path) -> bool:
    from ..base.envelope import LONGEST_ENVELOPE

    try:
        return "payloadType" in json_object(read_regular(path, LONGEST_ENVELOPE), most=LONGEST_ENVELOPE)
    except (OSError, ValueError):
        return False


def _read(path: Path, longest: int) -> bytes:
    try:
        return read_regular(path, longest)
    except OSError as error:
        raise InputError(f"{path.name!r:.120} cannot be read ({error.strerror}); check the path.") from error


def _create(path: Path, content: bytes, mode: int) -> None:
    """Write a file that must not exist, with its mode from the start: whole, or not at all."""
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
        _put(part, path)
    except FileExistsError as error:
        raise InputError(f"{path.name!r:.120} exists, and keys are never overwritten; give another -o.") from error
    finally:
        part.unlink(missing_ok=True)


def _put(part: Path, path: Path) -> None:
    """Give a file its name, unless that is taken.

    Raises
    ------
    FileExistsError
        If it is.
    """
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise FileExistsError from None
        part.rename(path)


def _passphrase(name: str, key: bytes) -> bytes | None:
    from ..base.keys import is_encrypted

    if not is_encrypted(key):
        return None
    if (given := os.environ.get(_PASSPHRASE)) is not None:
        return os.fsencode(given)
    if not sys.stdin.isatty():
        raise InputError(f"{name!r:.120} is encrypted; set {_PASSPHRASE}, or run this in a terminal to be asked.")
    answer: str = click.prompt(f"Passphrase of {name!r:.120}", hide_input=True, err=True)
    return answer.encode()
