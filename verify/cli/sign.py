"""``verify keygen``, ``verify sign`` and ``verify check-signature``: claim reports signed with a local key."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ..base import InputError, json_object, read_regular, write_atomically
from .command import Command, GivenPath, option
from .options import OUTPUT
from .output import check_writable, echo

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
    from ..claim.signature import generate_key, key_id

    public_file = output.with_name(output.name + ".pub")
    check_writable(output, public_file)
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
    examples=("verify sign report/report.json --key me.key",),
    see="docs/replay.md",
)
@click.argument("report", type=GivenPath(named=True))
@option("--key", type=GivenPath(), required=True, help="File of the private key.")
@option("-o", "--output", group=OUTPUT, type=GivenPath(named=True), help="Envelope to write; REPORT.dsse by default.")
@option("--a", type=GivenPath(), help="Folder of model A, to cover it whole, as model.sig does.")
@option("--b", type=GivenPath(), help="Folder of model B, likewise.")
def sign(report: Path, key: Path, output: Path | None, a: Path | None, b: Path | None) -> None:
    """Sign REPORT (a report.json): writes a DSSE envelope that holds the whole report.

    The passphrase of an encrypted key is asked for, or taken from VERIFY_KEY_PASSPHRASE.
    """
    from ..claim import ClaimReport
    from ..claim.signature import sign as seal

    target = report.with_name(report.name + ".dsse") if output is None else output
    check_writable(target)
    if target.resolve() in (report.resolve(), key.resolve()):
        raise InputError(f"{target.name!r:.120} would be overwritten by its own signature; give another -o.")
    if target.is_file() and target.stat().st_size and not _is_envelope(target):
        raise InputError(f"{target.name!r:.120} is no envelope of a report, and would be lost; give another -o.")
    secret = _read(key, _LONGEST_KEY)
    envelope = seal(ClaimReport.from_json(report), secret, passphrase=_passphrase(key.name, secret), folders=(a, b))
    write_atomically(target, envelope + b"\n")
    echo(str(target))


@click.command(
    cls=Command,
    section="Check reports",
    examples=(
        "verify check-signature report.json.dsse --key their.key.pub",
        "verify check-signature report.json.dsse --key their.key.pub --report report.json",
    ),
    statuses={0: "the signature is valid", 1: "it is not: says what broke"},
    see="docs/replay.md",
)
@click.argument("envelope", type=GivenPath())
@option("--key", type=GivenPath(), required=True, help="File of the signer's public key.")
@option("--report", type=GivenPath(), help="A report.json that must be the signed one.")
@option("--a", type=GivenPath(), help="Folder of model A that must be the signed one.")
@option("--b", type=GivenPath(), help="Folder of model B, likewise.")
def check_signature(envelope: Path, key: Path, report: Path | None, a: Path | None, b: Path | None) -> None:
    """Check that the holder of a key signed the report in ENVELOPE.

    A valid signature says who vouches for the report, not that the report is right.
    """
    from ..claim.signature import LONGEST_ENVELOPE, SignatureError, check_signed, key_id, verify_signature

    public = _read(key, _LONGEST_KEY)
    try:
        signed = verify_signature(_read(envelope, LONGEST_ENVELOPE), public, folders=(a, b))
        if report is not None:
            check_signed(signed, report.name, _read(report, LONGEST_ENVELOPE))
    except SignatureError as error:
        echo(str(error), err=True)
        sys.exit(1)
    echo(f"Valid: key {key_id(public)}\nsigned report {signed.digest}")


def _is_envelope(path: Path) -> bool:
    from ..claim.signature import LONGEST_ENVELOPE

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
    """Write a file that must not exist, with its mode from the start."""
    try:
        file = open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: SIM115
    except FileExistsError as error:
        raise InputError(f"{path.name!r:.120} exists, and keys are never overwritten; give another -o.") from error
    try:
        with file:
            file.write(content)
    except BaseException:
        path.unlink()
        raise


def _passphrase(name: str, key: bytes) -> bytes | None:
    from ..claim.signature import is_encrypted

    if not is_encrypted(key):
        return None
    if (given := os.environ.get(_PASSPHRASE)) is not None:
        return os.fsencode(given)
    if not sys.stdin.isatty():
        raise InputError(f"{name!r:.120} is encrypted; set {_PASSPHRASE}, or run this in a terminal to be asked.")
    answer: str = click.prompt(f"Passphrase of {name!r:.120}", hide_input=True, err=True)
    return answer.encode()
