"""Whether two models hold the same weights, as far as their digests say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..fingerprint import FingerprintRecord, identical

if TYPE_CHECKING:
    from .subject import Subject

__all__ = ["identical", "nothing_differs"]


def nothing_differs(a: Subject | FingerprintRecord, b: Subject | FingerprintRecord) -> bool:
    """Whether all rows read agree, for two models of one architecture read at one effort."""
    return a.effort == b.effort and a.content_sha256 == b.content_sha256 and a.architecture == b.architecture
