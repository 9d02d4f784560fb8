"""Read a calibration report from the bytes of its file."""

from __future__ import annotations

from ..claim.written import Kind
from .record import SCHEMA, CalibrationReport

KIND = Kind("calibration", CalibrationReport, SCHEMA, "a calibration report", "calibrate")
