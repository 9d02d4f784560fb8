"""Read a calibration report from the bytes of its file."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from pydantic import ValidationError

from ..base import ReportError, first_problem, json_object
from ..base.canonical_json import canonical, digest
from ..claim import ClaimReport
from ..claim.reading import LARGEST_FILE, bytes_of, check_digest
from .record import SCHEMA, CalibrationReport

_KIND = b'"kind":"calibration"'


class Written(NamedTuple):
    """A report, and the JSON object that it was read from."""

    content: dict[str, Any]
    report: CalibrationReport

    @property
    def digest(self) -> str:
        """Digest of the written content, which the report should state."""
        return digest(self.content, without=("digest",))


def is_calibration(source: bytes) -> bool:
    """Whether bytes are meant as a calibration report, in order or not."""
    if _KIND not in source.replace(b" ", b""):
        return False
    try:
        return json_object(source, most=LARGEST_FILE).get("kind") == "calibration"
    except ValueError:
        return False


def read(source: bytes) -> Written:
    """Read a report from the bytes of its file; its digest is not checked.

    Raises
    ------
    ReportError
        If it is not a calibration report, or of a schema that this version cannot read.
    """
    try:
        content = json_object(source, most=LARGEST_FILE)
        canonical(content)  # refuses numbers and texts that JSON readers differ on
        if content.get("kind") == "calibration" and content.get("schema_version") != SCHEMA:
            version = content.get("schema_version")
            raise ValueError(f"is of schema {version!r:.40}, and this version of verify reads {SCHEMA}")
        written = Written(content, CalibrationReport.model_validate(content))
        if canonical(written.report.facts()) != canonical(content):
            raise ValueError("holds values of other types than a report has, or leaves out some")
        return written
    except ValidationError as error:
        raise _refused(first_problem(error)) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise _refused(f"it {error!s:.160}" if type(error) is ValueError else "a value is of another kind") from error


def intact(source: str | os.PathLike[str]) -> CalibrationReport:
    """Read a report from a path or JSON text, and check its digest.

    Raises
    ------
    ReportError
        If there is no such file, it is not a calibration report, or its digest does not fit its content.
    """
    written = read(bytes_of(source))
    check_digest(written.content, written.digest)
    return written.report


def opened(source: str | os.PathLike[str]) -> ClaimReport | CalibrationReport:
    """Read a report of either kind, and check its digest.

    Raises
    ------
    ReportError
        If there is no such file, it is no report, or its digest does not fit its content.
    """
    return intact(source) if is_calibration(bytes_of(source)) else ClaimReport.from_json(source)


def _refused(reason: str) -> ReportError:
    return ReportError(
        f"This is not a calibration report ({reason}); give the report.json that `verify calibrate` wrote."
    )
