"""Whether two models hold the same weights, as far as their digests say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..fingerprint import FingerprintRecord

if TYPE_CHECKING:
    from .subject import Subject


def identical(a: Subject | FingerprintRecord, b: Subject | FingerprintRecord) -> bool:
    """Whether two models state the same learned tensors; where not all were read, the same files of one architecture.

    One file under two configurations or layouts may be two models; how files are called does not matter. What is
    stated must be what is held: whoever has the arrays asks ``fingerprint.check_same`` too.
    """
    if a.effort == b.effort == "full":
        return a.content_sha256 == b.content_sha256
    files_a, files_b = (sorted(file.sha256 or "" for file in model.files) for model in (a, b))
    return bool(files_a) and "" not in files_a and files_a == files_b and a.architecture == b.architecture


def nothing_differs(a: Subject | FingerprintRecord, b: Subject | FingerprintRecord) -> bool:
    """Whether all rows that were read of two models agree, of one architecture at one effort."""
    return a.effort == b.effort and a.content_sha256 == b.content_sha256 and a.architecture == b.architecture
