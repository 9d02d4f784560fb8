"""Read a report of a derivation from the bytes of its file."""

from __future__ import annotations

import os

from ..calibrate import CalibrationReport
from ..claim import ClaimReport
from ..claim.reading import bytes_of
from ..claim.written import Kind
from ..shares import ShareReport
from ..siblings import BeyondReport
from ..siblings.reading import opened as opened_other
from .record import SCHEMA, DerivationReport

KIND = Kind("derivation", DerivationReport, SCHEMA, "a report of a derivation", "derivation")


def opened(
    source: str | os.PathLike[str],
) -> ClaimReport | CalibrationReport | ShareReport | BeyondReport | DerivationReport:
    """Read a report of any kind, and check its digest.

    Raises
    ------
    ReportError
        If there is no such file, it is no report, or its digest does not fit its content.
    """
    return KIND.intact(source) if KIND.is_meant(bytes_of(source)) else opened_other(source)
