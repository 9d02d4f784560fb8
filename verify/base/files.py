"""Files that are either whole or absent, and digests of their bytes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_CHUNK = 1 << 22  # bytes


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def sha256_of_file(path: Path) -> str:
    """Hexadecimal sha256 of a file, read in bounded blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()
