"""Keys, a signed report, and envelopes sealed without the library."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.checkpoints import Toy, toy, write_checkpoint
from tests.reports import CREATED
from verify import ClaimReport, test_lineage
from verify.claim.signature import PAYLOAD_TYPE, generate_key, sign

pytest.importorskip("securesystemslib", reason="needs the extra `sign`")
pytest.importorskip("cryptography", reason="needs the extra `sign`")

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner

PRIVATE, PUBLIC = generate_key()
OTHER_PRIVATE, OTHER_PUBLIC = generate_key()


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Toy, Path]]:
    """A toy in three shards, and another in one file."""
    root = tmp_path_factory.mktemp("toys")
    return {
        name: (toy(seed=seed), write_checkpoint(root / name, toy(seed=seed), shards=shards))
        for name, seed, shards in (("questioned", 1, 3), ("reference", 2, 1))
    }


@pytest.fixture(scope="module")
def report(toys: dict[str, tuple[Toy, Path]]) -> ClaimReport:
    """Of the two."""
    return test_lineage(toys["questioned"][1], toys["reference"][1], created=CREATED)


@pytest.fixture(scope="module")
def envelope(report: ClaimReport) -> bytes:
    """The report, signed."""
    return sign(report, PRIVATE)


def payload_of(envelope: bytes) -> dict[str, Any]:
    """The statement in an envelope, by the standard library alone."""
    found: dict[str, Any] = json.loads(b64decode(json.loads(envelope)["payload"], validate=True))
    return found


def pae(payload_type: bytes, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding, from its definition: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body."""
    parts = (b"DSSEv1", str(len(payload_type)).encode(), payload_type, str(len(payload)).encode(), payload)
    return b" ".join(parts)


def sealed_by(private: bytes, payload: bytes, payload_type: str = PAYLOAD_TYPE, **changes: Any) -> bytes:
    """Any payload in a well-formed envelope with a good signature; what a hostile signer could make."""
    key = load_pem_private_key(private, None)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    keyid = CryptoSigner(key).public_key.keyid
    signature = key.sign(pae(payload_type.encode(), payload))
    fields = {
        "payload": b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": keyid, "sig": b64encode(signature).decode()}],
    }
    return json.dumps(fields | changes).encode()


def altered(report: ClaimReport) -> ClaimReport:
    """A re-sealed report of another verdict: intact, and not the one that was signed."""
    return report.model_copy(update={"finding": "A and B are the same.", "alpha": 0.05}).sealed()


def private_pem(key: Any, encryption: Any = None) -> bytes:
    """PKCS#8 PEM."""
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    return pem


def encrypted(passphrase: bytes) -> bytes:
    """The key of these tests, encrypted."""
    return private_pem(load_pem_private_key(PRIVATE, None), BestAvailableEncryption(passphrase))
