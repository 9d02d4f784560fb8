"""The exception tree.

VerifyError
├── InputError                     what was given cannot be used
│   ├── CheckpointError            a model cannot be read
│   │   ├── NotFoundError          there is no such folder, file, repository, revision or tensor
│   │   ├── AccessDeniedError      it is there, or may be, and is not given: log in, or ask for access
│   │   ├── NetworkError           it could not be fetched just now: worth retrying
│   │   ├── OptionError            what is asked for is missing, ambiguous or does not fit the model: ask otherwise
│   │   ├── UnsupportedError       a sound model, or a place, that this installation does not understand
│   │   ├── DamagedError           its files are incomplete or contradict themselves: obtain them again
│   │   └── HostileError           refused as an attack: a pickle, a bound exceeded, a path that leaves its folder
│   ├── FingerprintError           a fingerprint is damaged, or two of them cannot be compared
│   └── ReportError                a claim report is damaged or inconsistent
└── StatisticsError                a computation was asked for outside its domain

Every message is one sentence that names the thing, the value found, what was expected and
what to do. The command line prints it on one line and exits with status 2.
"""

from __future__ import annotations


class VerifyError(Exception):
    """Root of everything this library raises on purpose."""


class InputError(VerifyError):
    """What was given cannot be used."""


class CheckpointError(InputError):
    """A model cannot be read; each error is of a class below, by what to do about it.

    Whoever goes through many models tries again after a :class:`NetworkError` and skips the model after any other.
    """


class NotFoundError(CheckpointError):
    """There is no such folder, file, repository, revision or tensor."""


class AccessDeniedError(CheckpointError):
    """It is there, or may be, and is not given: log in, ask for access, or change its permissions."""


class NetworkError(CheckpointError):
    """It could not be fetched just now, or changed meanwhile: worth retrying. What has arrived is kept."""


class OptionError(CheckpointError):
    """What is asked for is missing, ambiguous or does not fit the model: a file, part, base, layout or revision."""


class UnsupportedError(CheckpointError):
    """An architecture, format or place that this installation does not understand, though nothing may be wrong."""


class DamagedError(CheckpointError):
    """Files are incomplete, or contradict themselves or each other: obtain them again."""


class HostileError(CheckpointError):
    """Refused as an attack would be: a pickle, a bound exceeded, a path that leaves its folder."""


class FingerprintError(InputError):
    """A fingerprint is damaged, or two fingerprints cannot be compared."""


class ReportError(InputError):
    """A claim report is damaged or inconsistent."""


class StatisticsError(VerifyError, ValueError):
    """A computation was asked for outside its domain."""
