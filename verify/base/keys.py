"""Ed25519 keys of signatures, as pyca/cryptography reads and writes them; imported where they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import InputError, VerifyError

if TYPE_CHECKING:
    from securesystemslib.signer import CryptoSigner, SSlibKey


def generate_key() -> tuple[bytes, bytes]:
    """A new Ed25519 key: the private part (PKCS#8, PEM, not encrypted) and the public part (PEM).

    Raises
    ------
    VerifyError
        If the extra ``sign`` is not installed.
    """
    require()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )


def key_id(public_key: bytes) -> str:
    """The identifier by which an envelope names a public key: securesystemslib's, 64 hexadecimal digits.

    Raises
    ------
    InputError
        If the key cannot be used.
    VerifyError
        If the extra ``sign`` is not installed.
    """
    return public(public_key).keyid


def is_encrypted(key: bytes) -> bool:
    """Whether a private key needs a passphrase."""
    return b"-----BEGIN ENCRYPTED PRIVATE KEY-----" in key


def signer(key: bytes, passphrase: bytes | None) -> CryptoSigner:
    """A private key, ready to sign."""
    require()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    if is_encrypted(key) and passphrase is None:
        raise InputError("The private key is encrypted; give its passphrase.")
    try:
        private = load_pem_private_key(key, passphrase if is_encrypted(key) else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        wrong = " or the passphrase is wrong" if is_encrypted(key) else ""
        raise InputError(
            f"The private key cannot be read: it is not PKCS#8 in PEM{wrong}; make one with `verify keygen`."
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError("The private key is not an Ed25519 key; make one with `verify keygen`.")
    return CryptoSigner(private)


def public(key: bytes) -> SSlibKey:
    """A public key, ready to verify."""
    require()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    try:
        found = load_pem_public_key(key)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("The public key cannot be read as one in PEM; give the signer's .pub file.") from error
    if not isinstance(found, Ed25519PublicKey):
        raise InputError("The public key is not an Ed25519 key; give the .pub file that `verify keygen` wrote.")
    return SSlibKey.from_crypto(found)


def require() -> None:
    """Refuse to go on without the extra ``sign``."""
    try:
        import cryptography  # noqa: F401  # securesystemslib alone would verify in slow pure Python
        import securesystemslib  # noqa: F401
    except ImportError as error:
        raise VerifyError(
            "Signatures need the packages of the extra `sign`, which are not installed; "
            "`pip install 'verify-lineage[sign]'`."
        ) from error
