"""The content digest of a record: sha256 over RFC 8785 canonical JSON."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical(content: Any) -> bytes:
    """The one byte form of a JSON value (RFC 8785)."""
    return rfc8785.dumps(content)


def digest(content: dict[str, Any], *, without: tuple[str, ...] = ()) -> str:
    """``sha256:`` and the hexadecimal digest of a JSON object, less the named keys."""
    kept = {key: value for key, value in content.items() if key not in without}
    return "sha256:" + hashlib.sha256(canonical(kept)).hexdigest()
