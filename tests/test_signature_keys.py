"""Keys of signatures, and what is said where the extra is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests import signing
from tests.signing import PRIVATE, PUBLIC, encrypted, private_pem
from verify import ClaimReport, InputError, ReportError, VerifyError
from verify.claim.signature import SignatureError, sign, verify_signature

pytest.importorskip("securesystemslib", reason="needs the extra `sign`")
pytest.importorskip("cryptography", reason="needs the extra `sign`")

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

envelope, report, toys = signing.envelope, signing.report, signing.toys


# ---- keys


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


def test_errors_are_of_the_tree() -> None:
    """Whoever catches a bad report catches a bad signature."""
    assert issubclass(SignatureError, ReportError)
    assert issubclass(ReportError, InputError)
    assert issubclass(InputError, VerifyError)
