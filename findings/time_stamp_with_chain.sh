#!/usr/bin/env bash
# rfc3161-client does not read a time stamp that openssl made with the chain of its certificates.
#
# Packages: rfc3161-client 1.0.9 (cryptography 50.0.2), OpenSSL 3.0.19 at the command line; Python 3.11.
#
# The guess: a reply of `openssl ts -reply`, which `openssl ts -verify` accepts, is read and verified by a client library,
#   whether the reply holds the signer's certificate alone or the root's as well (`-chain`, or `certs` in its settings).
# The behaviour: openssl writes certificates in the order given, the signer's first. They are a SET OF, which DER orders
#   by its bytes, and rfc3161-client reads strict DER: whether it reads a reply with two certificates depends on which
#   is shorter. Here the root's is, so the reply is refused ("InvalidSetOrdering"); with the same two certificates in the
#   other order, which no signature covers, it is verified.
#
# Output seen:
#   openssl, without chain: Verification: OK
#   openssl, with chain: Verification: OK
#   rfc3161-client, without chain: verified
#   rfc3161-client, with chain: ValueError, InvalidSetOrdering
#   rfc3161-client, with the two certificates exchanged: verified
#
# Exits non-zero if this is no longer so. Needs openssl, and 30 MB of disk for the packages, which are removed at the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check rfc3161-client==1.0.9 cryptography==50.0.2

openssl req -x509 -newkey rsa:2048 -nodes -keyout root.key -out root.pem -days 30 -subj "/CN=Root" \
  -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout signer.key -out signer.csr -subj "/CN=An authority of time stamps" 2>/dev/null
printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping\n' >usage
openssl x509 -req -in signer.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20 -extfile usage -out signer.pem \
  2>/dev/null
cat >settings <<'SETTINGS'
[tsa]
default_tsa = here
[here]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
SETTINGS
echo 01 >serial
echo content >data
openssl ts -query -data data -sha256 -cert -out query 2>/dev/null
for kind in without with; do
  chain=()
  if [ "$kind" = with ]; then chain=(-chain root.pem); fi
  openssl ts -reply -config settings -queryfile query -signer signer.pem -inkey signer.key "${chain[@]}" \
    -out "$kind.tsr" 2>/dev/null
  echo "openssl, $kind chain: $(openssl ts -verify -data data -in "$kind.tsr" -CAfile root.pem 2>/dev/null)"
done

env/bin/python - <<'PYTHON'
import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import VerifierBuilder, decode_timestamp_response

digest = hashlib.sha256(Path("data").read_bytes()).digest()
root, signer = (x509.load_pem_x509_certificate(Path(f"{name}.pem").read_bytes()) for name in ("root", "signer"))


def outcome(content: bytes) -> str:
    try:
        reply = decode_timestamp_response(content)
    except ValueError as error:
        assert "InvalidSetOrdering" in str(error), error
        return "ValueError, InvalidSetOrdering"
    assert VerifierBuilder(roots=[root]).build().verify(reply, digest)
    return "verified"


alone, both = Path("without.tsr").read_bytes(), Path("with.tsr").read_bytes()
first, second = signer.public_bytes(Encoding.DER), root.public_bytes(Encoding.DER)
assert both.count(first + second) == 1, "openssl writes them in another order now"
exchanged = both.replace(first + second, second + first)
found = [outcome(one) for one in (alone, both, exchanged)]
print("rfc3161-client, without chain:", found[0])
print("rfc3161-client, with chain:", found[1])
print("rfc3161-client, with the two certificates exchanged:", found[2])
assert found == ["verified", "ValueError, InvalidSetOrdering", "verified"], "the behaviour has changed"
PYTHON
