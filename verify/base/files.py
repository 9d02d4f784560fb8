"""Files that are either whole or absent, and digests of their bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from time import sleep
from uuid import uuid4

_CHUNK = 1 << 22  # bytes
_WAITS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)  # seconds


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid4().hex}.part")  # its own, whatever threads and processes write the same file
    try:
        part.write_bytes(content)
        _replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _replace(part: Path, path: Path) -> None:
    """Windows refuses to replace a file that somebody reads just now."""
    for wait in _WAITS:
        try:
            part.replace(path)
            return
        except PermissionError:
            sleep(wait)
    part.replace(path)


def sha256_of_file(path: Path) -> str:
    """Hexadecimal sha256 of a file, read in bounded blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()
