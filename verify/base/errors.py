"""The exception tree.

VerifyError
├── InputError             what was given cannot be used
│   ├── CheckpointError    a model file is missing, damaged, hostile or not understood
│   ├── FingerprintError   a fingerprint is damaged, or two of them cannot be compared
│   └── ReportError        a claim report is damaged or inconsistent
└── StatisticsError        a computation was asked for outside its domain

Every message is one sentence that names the thing, the value found, what was expected and
what to do. The command line prints it on one line and exits with status 2.
"""

from __future__ import annotations


class VerifyError(Exception):
    """Root of everything this library raises on purpose."""


class InputError(VerifyError):
    """What was given cannot be used."""


class CheckpointError(InputError):
    """A model file is missing, damaged, hostile or not understood."""


class FingerprintError(InputError):
    """A fingerprint is damaged, or two fingerprints cannot be compared."""


class ReportError(InputError):
    """A claim report is damaged or inconsistent."""


class StatisticsError(VerifyError, ValueError):
    """A computation was asked for outside its domain."""
