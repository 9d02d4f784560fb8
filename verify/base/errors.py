"""The exception tree.

VerifyError
├── InputError                     an argument or a file cannot be used
│   ├── CheckpointError            a model cannot be read
│   │   ├── NotFoundError          there is no such folder, file, repository, revision or tensor
│   │   ├── AccessDeniedError      it exists, or may exist, but access is denied: log in, or ask for access
│   │   ├── NetworkError           it could not be fetched: try again later
│   │   ├── OptionError            an option is missing, ambiguous or does not fit the model: change it
│   │   ├── UnsupportedError       an architecture, format or place that this installation cannot read
│   │   │   └── MissingPackageError    a package is not installed that reads this and whatever is like it
│   │   ├── DamagedError           its files are incomplete or inconsistent: download them again
│   │   └── HostileError           a possible attack: code in a pickle, a bound exceeded, a path outside its folder
│   ├── FingerprintError           a fingerprint is damaged, or two of them cannot be compared
│   └── ReportError                a claim report is damaged or inconsistent
└── StatisticsError                a computation was asked for outside its domain

Every message is one sentence that names the thing, the value found, what was expected and what to do. The command
line prints it on one line and exits with status 2.
"""

from __future__ import annotations


class VerifyError(Exception):
    """Root of everything this library raises on purpose."""


class InputError(VerifyError):
    """An argument or a file cannot be used."""


class CheckpointError(InputError):
    """A model cannot be read; subclasses differ by what to do about it.

    When reading many models, retry after a :class:`NetworkError`, and skip the model after any other.
    """


class NotFoundError(CheckpointError):
    """There is no such folder, file, repository, revision or tensor."""


class AccessDeniedError(CheckpointError):
    """It exists, or may exist, but access is denied: log in, ask for access, or change its permissions."""


class NetworkError(CheckpointError):
    """It could not be fetched, or changed while it was read: try again later. Bytes already fetched are kept."""


class OptionError(CheckpointError):
    """An option (file, part, base, layout or revision) is missing, ambiguous or does not fit the model."""


class UnsupportedError(CheckpointError):
    """An architecture, format or place that this installation cannot read; the model itself may be sound."""


class MissingPackageError(UnsupportedError):
    """A package that reads such models is not installed: no fault of the model, and the next one fails alike."""


class DamagedError(CheckpointError):
    """Files are incomplete or inconsistent: download them again."""


class HostileError(CheckpointError):
    """Refused as a possible attack: code in a pickle, a bound exceeded, a path outside its folder."""


class FingerprintError(InputError):
    """A fingerprint is damaged, or two fingerprints cannot be compared."""


class ReportError(InputError):
    """A claim report is damaged or inconsistent."""


class StatisticsError(VerifyError, ValueError):
    """A computation was asked for outside its domain."""
