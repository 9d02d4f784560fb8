"""What is said of an error that nobody raised on purpose: one sentence, and a file of the details."""

from __future__ import annotations

import logging
import os
import tempfile
import traceback

_log = logging.getLogger("verify.own_errors")

DEBUG = "VERIFY_DEBUG"
"""Environment variable; if set, such an error is raised on, with its traceback."""


def unexpected(error: Exception, what: str) -> str:
    """What happened, in one sentence without anything of this machine, so that a record may hold it.

    Parameters
    ----------
    error : the error, as caught.
    what : what met it, such as the name of a model.

    Returns
    -------
    str
        The same for the same kind of error.

    Raises
    ------
    Exception
        The error itself, if the environment asks for tracebacks.
    """
    if os.environ.get(DEBUG):
        raise error
    if isinstance(error, MemoryError):
        return f"{what} needs more memory than there is; give it more, or read less with a smaller effort."
    return (
        f"{what} met an error of verify's own ({type(error).__name__}), which says nothing of the model; report it."
    )


def passed_over(error: Exception, what: str) -> str:
    """As :func:`unexpected`, where the run goes on without it; the path of the details is logged."""
    said = unexpected(error, what)
    _log.warning("%s Details: %s", said, details(error))
    return said


def details(error: Exception) -> str:
    """Path of a new file with the traceback, that only its owner may read; empty if none can be written."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", errors="replace", prefix="verify-error-", suffix=".log", delete=False
        ) as file:
            file.write("".join(traceback.format_exception(error)))
    except OSError:
        return ""
    return file.name
