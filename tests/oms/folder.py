"""The folder that was signed."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from pathlib import Path
from typing import Any

from verify.data import model

SIGNATURE = Path(__file__).with_name("model.sig")


def signed_folder(folder: Path) -> Path:
    """A shipped model, with a card, with files below it whose order tells, and with what model signing leaves out."""
    shutil.copytree(model("reference"), folder)
    for name, text in {
        "README.md": "---\nlicense: apache-2.0\n---\n# A model\n",
        "a-b": "1",
        "a/b": "2",  # comes first, though "-" sorts before "/"
        "Z": "3",
        "é.txt": "4",
        ".git/config": "left out",
        ".gitattributes": "left out",
        ".github/x": "left out",
        "a/.gitignore": "kept, since it is not in the folder itself",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def statement_of(signature: Path = SIGNATURE) -> dict[str, Any]:
    """The in-toto statement in a Sigstore bundle."""
    bundle = json.loads(signature.read_text("utf-8"))
    found: dict[str, Any] = json.loads(b64decode(bundle["dsseEnvelope"]["payload"], validate=True))
    return found
