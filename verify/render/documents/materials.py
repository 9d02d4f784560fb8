"""What both bills of materials state alike: identifiers, the time, the report's file, and the digests of a model."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from ...base import ReportError
from ...base.plain import plain
from ...claim import ClaimReport, Subject
from ..escape import NAME

if TYPE_CHECKING:
    from ...claim.pages import Pages

_OURS = UUID("4336c167-dc25-4f3a-bd71-5e92bbd58cb0")


def urn(report: ClaimReport, what: str) -> str:
    """An identifier that is the same whenever the document is made again."""
    return uuid5(_OURS, f"{what} {report.digest}").urn


def moment(report: Pages) -> str:
    """The time of the report in UTC, to the second.

    Raises
    ------
    ReportError
        If what the report states is none.
    """
    try:
        time = datetime.fromisoformat(report.created)
        utc = time.astimezone(UTC) if time.tzinfo else time  # one without a zone is in UTC
    except (ValueError, OverflowError) as error:
        raise ReportError(
            f"The report gives {report.created!r:.80} as the time at which it was made, where a time in ISO 8601 was "
            "expected; make it again."
        ) from error
    return f"{utc.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def file_sha256(report: ClaimReport) -> str:
    """sha256 of the file ``report.json``."""
    return hashlib.sha256(report.to_json().encode() + b"\n").hexdigest()


def hashed_files(subject: Subject) -> list[tuple[str, str]]:
    """Name and sha256 of the files of a model that have one."""
    return [(plain(file.name, NAME), file.sha256) for file in subject.files if file.sha256]


def stated(subject: Subject) -> dict[str, str]:
    """What the report knows of a model and the standards have no field for."""
    whole = "content_sha256" if subject.effort == "full" else "rows_sha256"
    bases = {f"declared_base_{n}": plain(name, NAME) for n, name in enumerate(subject.declared_bases, start=1)}
    return {whole: subject.content_sha256, "effort": subject.effort} | bases


def version_of(report: ClaimReport) -> str:
    """The version of the library that made the report."""
    return plain(report.provenance.software.get("verify-lineage", "unknown"), NAME)
