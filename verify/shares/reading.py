"""Read a report of shares from the bytes of its file."""

from __future__ import annotations

import os

from ..calibrate import CalibrationReport
from ..calibrate.reading import KIND as CALIBRATION
from ..claim import ClaimReport
from ..claim.reading import bytes_of
from ..claim.written import Kind
from .record import SCHEMA, ShareReport

KIND = Kind("share", ShareReport, SCHEMA, "a report of shares", "share")


def opened(source: str | os.PathLike[str]) -> ClaimReport | CalibrationReport | ShareReport:
    """Read a report of any kind, and check its digest.

    Raises
    ------
    ReportError
        If there is no such file, it is no report, or its digest does not fit its content.
    """
    content = bytes_of(source)
    if KIND.is_meant(content):
        return KIND.intact(source)
    return CALIBRATION.intact(source) if CALIBRATION.is_meant(content) else ClaimReport.from_json(source)
