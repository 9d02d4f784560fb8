"""Sign the folder by model-signing, with a key that is thrown away, and check what it wrote."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.oms.folder import SIGNATURE, signed_folder


def main() -> None:
    """Write the signature beside this file; its program may be named, if model-signing is installed elsewhere."""
    program = sys.argv[1] if len(sys.argv) > 1 else "model_signing"
    with tempfile.TemporaryDirectory() as root:
        folder, key = signed_folder(Path(root, "model")), Path(root, "key.pem")
        secret = ec.generate_private_key(ec.SECP256R1())
        key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        made = folder / "model.sig"
        command = [program, "sign", "key", str(folder), "--private_key", str(key), "--signature", str(made)]
        subprocess.run(command, check=True)
        shutil.copyfile(made, SIGNATURE)


if __name__ == "__main__":
    main()
