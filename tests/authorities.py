"""A time-stamp authority: certificates made here, and replies made by the real ``openssl ts``."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("rfc3161_client", reason="needs the extra `dated`")

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")
DAY = timedelta(days=1)
_SETTINGS = """[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_digest = {digest}
default_policy = 1.2.3.4.1
digests = md5, sha1, sha256, sha384, sha512
{accuracy}
clock_precision_digits = {digits}
"""


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def private(self) -> bytes:
        """The key."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def holder(
    name: str,
    issuer: Holder | None = None,
    *,
    of_times: bool = True,
    serial: int | None = None,
    since: timedelta = -10 * DAY,
    until: timedelta = 3650 * DAY,
) -> Holder:
    """A root, or the holder of a certificate of an issuer for time stamps, or for nothing.

    Parameters
    ----------
    name : common name.
    issuer : who signs the certificate; None for a root.
    of_times : whether it is for time stamps.
    serial : its number; random by default.
    since, until : validity, from the present.
    """
    key, now, root = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC), issuer is None
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False
    )  # fmt: skip
    made = (
        x509.CertificateBuilder(
            own if issuer is None else issuer.certificate.subject,
            own,
            key.public_key(),
            serial or x509.random_serial_number(),
            now + since,
            now + until,
        )
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(digital_signature=not root, key_cert_sign=root, crl_sign=root, **usage), critical=True
        )
    )
    if not root and of_times:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return Holder(made.sign(key if issuer is None else issuer.key, hashes.SHA256()), key)


@dataclass(frozen=True)
class Authority:
    """An authority that stamps with a certificate, in a folder of its own."""

    folder: Path
    root: Holder
    signer: Holder

    @staticmethod
    def made(folder: Path, root: Holder | None = None, signer: Holder | None = None) -> Authority:
        """With a root of its own and a certificate that is valid, unless others are given."""
        root = root or holder("Root of Times")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "root.pem").write_bytes(root.pem)
        return Authority(folder, root, signer or holder("Keeper of Times", root))

    @property
    def certificate(self) -> Path:
        """File of the root certificate."""
        return self.folder / "root.pem"

    def stamp(
        self,
        content: bytes,
        *,
        algorithm: str = "sha256",
        digest: str = "sha256",
        certificate: bool = True,
        token: bool = False,
        accuracy: str = "",
        digits: int = 0,
        beside: Sequence[Holder] = (),
    ) -> bytes:
        """A reply over a content.

        Parameters
        ----------
        content : what is stamped.
        algorithm : hash function of the content.
        digest : hash function of the signature.
        certificate : whether the reply holds the certificate.
        token : whether to give the token in the reply alone.
        beside : whose certificates the reply holds too.
        accuracy : as openssl's settings have it, such as ``secs:1``.
        digits : of parts of a second in the time.
        """
        said = f"accuracy = {accuracy}" if accuracy else ""
        files = {name: self.folder / name for name in ("data", "query", "reply", "settings", "signer.pem", "key.pem")}
        settings = _SETTINGS.format(folder=self.folder, digest=digest, accuracy=said, digits=digits)
        files["settings"].write_text(settings)
        if not (serial := self.folder / "serial").exists():
            serial.write_text("01\n")
        files["data"].write_bytes(content)
        files["signer.pem"].write_bytes(self.signer.pem)
        files["key.pem"].write_bytes(self.signer.private)
        ask = ["-query", "-data", files["data"], f"-{algorithm}", "-out", files["query"]]
        ask += ["-cert"] if certificate else []
        answer = ["-reply", "-config", files["settings"], "-queryfile", files["query"], "-out", files["reply"]]
        answer += ["-signer", files["signer.pem"], "-inkey", files["key.pem"], *(["-token_out"] if token else [])]
        if beside:
            files["chain"] = self.folder / "chain.pem"
            files["chain"].write_bytes(b"".join(one.pem for one in beside))
            answer += ["-chain", files["chain"]]
        for arguments in (ask, answer):
            subprocess.run(["openssl", "ts", *arguments], check=True, capture_output=True)
        return files["reply"].read_bytes()
