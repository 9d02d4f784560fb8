"""Time stamps (RFC 3161): an authority's signed statement that a digest was shown to it at a time.

Signature, chain and purpose of the certificates are checked by rfc3161-client (Rust, on the OpenSSL of
pyca/cryptography), at the time that the token states: a certificate that has expired since was valid then. Checked
here is what it leaves to its caller: that the hash functions are of the SHA-2 family, since it accepts a token over
an MD5 digest; that one certificate alone has the number of the signer's (OpenSSL takes issuers for the same whose
names differ in case or spaces, so a second certificate could give the signer another name); parts of a second, which
it leaves out; and sizes. Not asked is whether a
certificate was revoked; and not compared is the digest of the signer's certificate that the token repeats
(ESSCertID), which tells two certificates of one key apart. The library is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from .errors import InputError, VerifyError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

LONGEST = 1 << 15
"""Bytes of a token, or of a file of certificates; tokens have 1 kB to 8 kB."""
LONGEST_NAME = 500
"""Characters of the name of an authority; the rest is left out."""
MOST_ROOTS = 64
HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""Names of the hash functions that are accepted, by object identifier."""
_GRANTED = b"\x30\x03\x02\x01\x00"  # PKIStatusInfo in DER
_OBJECT_IDENTIFIER, _CERTIFICATES = 0x06, 0xA0  # tags: of the type that a bare token begins with, and of signed data
_TIME = 4  # elements of what is signed before it: version, policy, digest, number


class Stamped(NamedTuple):
    """What a token states, once it is known to hold."""

    time: datetime
    """The latest time that it allows: the time stated and its accuracy, in UTC, to the second above."""
    algorithm: str
    """Name of the hash function."""
    digest: str
    """Of what was stamped, in hexadecimal."""
    authority: str
    """Name of the holder of the certificate that signed, as RFC 4514 writes it."""
    token: bytes
    """The token in DER, without the status that a reply has around it."""
    root: bytes
    """The trusted certificate that the signer's descends from, in DER."""


def is_installed() -> bool:
    """Whether the extra ``dated`` is installed."""
    try:
        import rfc3161_client  # noqa: F401
    except ImportError:
        return False
    return True


def certificates(content: bytes) -> list[bytes]:
    """The certificates in a file, in PEM or DER.

    Parameters
    ----------
    content : of the file.

    Returns
    -------
    list of bytes
        Each in DER.

    Raises
    ------
    InputError
        If it holds none, or more than 64.
    VerifyError
        If the extra ``dated`` is not installed.
    """
    _require()
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificates

    try:
        pem = b"-----BEGIN" in content
        found = load_pem_x509_certificates(content) if pem else [load_der_x509_certificate(content)]
    except ValueError as error:
        raise InputError("It is no certificate in PEM or DER; give that of the authority's root.") from error
    if len(found) > MOST_ROOTS:
        raise InputError(
            f"It holds {len(found)} certificates, and at most {MOST_ROOTS} are read; give the root's alone."
        )
    return [one.public_bytes(Encoding.DER) for one in found]


def stamped(content: bytes, roots: Sequence[bytes]) -> Stamped:
    """What a token states, if an authority signed it whose certificate descends from a trusted one.

    Parameters
    ----------
    content : a reply of an authority (``.tsr``), or the token in it (``.tst``), in DER.
    roots : trusted certificates in DER; the first that the token holds under is named in the result.

    Raises
    ------
    InputError
        If it is no token, does not hold, or rests on another hash function than SHA-256, SHA-384 or SHA-512.
    VerifyError
        If the extra ``dated`` is not installed.
    """
    _require()
    if len(content) > LONGEST:
        raise InputError(f"It has {len(content)} bytes, and a token at most {LONGEST}; give the authority's reply.")
    try:
        reply = _reply(content)
        signer = _signer(reply)
        algorithm = HASHES.get(reply.tst_info.message_imprint.hash_algorithm.dotted_string)
        signed_by = {one.dotted_string for one in reply.signed_data.digest_algorithms}
        time, token = _latest(reply), reply.time_stamp_token()
        authority = signer.subject.rfc4514_string()[:LONGEST_NAME]
    except InputError:
        raise
    except Exception as error:  # of a parser of what anyone may have written: ValueError, KeyError, OverflowError
        raise InputError("It is no reply of a time-stamp authority, or a damaged one; obtain it again.") from error
    if algorithm is None or not signed_by <= HASHES.keys():
        raise InputError(
            "It rests on another hash function than SHA-256, SHA-384 or SHA-512; have a SHA-256 digest stamped."
        )
    digest = reply.tst_info.message_imprint.message
    root = next((one for one in roots if _holds(reply, digest, one)), None)
    if root is None:
        raise InputError(
            "It does not hold: it was altered, or no certificate given is the root of its authority, or the "
            f"authority's was not valid for stamping at {reply.tst_info.gen_time:%Y-%m-%d %H:%M:%S} UTC, the time it "
            "states; give the root certificate of the authority that made it."
        )
    return Stamped(time, algorithm, digest.hex(), authority, token, root)


def _reply(content: bytes) -> TimeStampResponse:
    """A reply; a bare token, whose first element names its type, gets the status of one that was granted."""
    from rfc3161_client import decode_timestamp_response

    if content[_inside(content, 0)[0].start] == _OBJECT_IDENTIFIER:
        inner = _GRANTED + content
        content = b"\x30\x82" + len(inner).to_bytes(2, "big") + inner
    return decode_timestamp_response(_in_order(content))


def _in_order(reply: bytes) -> bytes:
    """A reply whose certificates stand in the order of DER; OpenSSL leaves them in another, and the library refuses.

    They are no part of what is signed (RFC 5652, 5.1), and nothing changes but their order.
    """
    elements = _inside(reply, 0)
    if len(elements) < 2:
        return reply  # a refusal, without a token
    explicit = _inside(reply, elements[1].start)[1]
    signed_data = _inside(reply, explicit.start)[0]
    held = next((one for one in _inside(reply, signed_data.start) if reply[one.start] == _CERTIFICATES), None)
    if held is None:
        return reply
    ordered = sorted(reply[one.start : one.stop] for one in _inside(reply, held.start))
    return reply[: held.body] + b"".join(ordered) + reply[held.stop :]


class _Element(NamedTuple):
    """Where an element of DER begins, where its body does, and where it ends."""

    start: int
    body: int
    stop: int


def _inside(content: bytes, start: int) -> list[_Element]:
    """The elements in the body of the one that begins at an offset."""
    _, at, stop = _element(content, start)
    found: list[_Element] = []
    while at < stop:
        found.append(_element(content, at))
        at = found[-1].stop
    return found


def _element(content: bytes, start: int) -> _Element:
    first = content[start + 1]
    more = first & 0x7F if first & 0x80 else 0
    body = start + 2 + more
    return _Element(start, body, body + (int.from_bytes(content[start + 2 : body], "big") if more else first))


def _signer(reply: TimeStampResponse) -> Certificate:
    """The certificate of the one signer, which no other certificate in the token may stand for."""
    from cryptography.x509 import load_der_x509_certificate

    signers = list(reply.signed_data.signer_infos)
    if len(signers) != 1:
        raise InputError(f"It has {len(signers)} signers, where one was expected; obtain it again.")
    held = [load_der_x509_certificate(one) for one in reply.signed_data.certificates]
    found = [one for one in held if one.serial_number == signers[0].serial_number]
    if len(found) != 1 or found[0].issuer != signers[0].issuer:
        raise InputError(
            f"It holds {len(found)} certificates with the number of its signer's, where one of its issuer was "
            "expected; ask the authority for a reply with its certificate (`openssl ts -query -cert`)."
        )
    return found[0]


def _latest(reply: TimeStampResponse) -> datetime:
    """The time stated plus its accuracy, to the second above."""
    said, accuracy = reply.tst_info.gen_time, reply.tst_info.accuracy
    span = _part_of_second(reply.time_stamp_token())
    if accuracy is not None:
        millis, micros = accuracy.millis or 0, accuracy.micros or 0
        span += timedelta(seconds=accuracy.seconds or 0, milliseconds=millis, microseconds=micros)
    latest = said.astimezone(UTC).replace(microsecond=0) + span
    whole = latest.replace(microsecond=0)
    return whole if whole == latest else whole + timedelta(seconds=1)


def _part_of_second(token: bytes) -> timedelta:
    """What the time stated has beyond a whole second, to the microsecond above."""
    signed_data = _inside(token, _inside(token, 0)[1].start)[0]
    octets = _inside(token, _inside(token, _inside(token, signed_data.start)[2].start)[1].start)[0]
    time = _inside(token, octets.body)[_TIME]
    digits = token[time.body : time.stop].decode("ascii").rstrip("Z").partition(".")[2]
    return timedelta(microseconds=-(-int(digits) * 10**6 // 10 ** len(digits)) if digits else 0)


def _holds(reply: TimeStampResponse, digest: bytes, root: bytes) -> bool:
    from cryptography.x509 import load_der_x509_certificate
    from rfc3161_client import VerificationError, VerifierBuilder

    try:
        verifier = VerifierBuilder(roots=[load_der_x509_certificate(root)]).build()
        return verifier.verify(reply, digest)
    except (VerificationError, ValueError, LookupError):
        return False


def _require() -> None:
    """Refuse to go on without the extra ``dated``."""
    if not is_installed():
        raise VerifyError(
            "Time stamps need the packages of the extra `dated`, which are not installed; "
            "`pip install 'verify-lineage[dated]'`."
        )
