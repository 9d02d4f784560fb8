"""Read the file of an untrusted fingerprint: its header, and its bytes up to a bound."""

from __future__ import annotations

import os
from pathlib import Path

from ..base import FingerprintError, InputError, json_object, open_regular, read_regular

HEADER = "verify.fingerprint"
"""Key of the record in the metadata of the safetensors file."""
LARGEST_FILE = 1 << 30
"""Bytes allowed; a trillion parameters in 60 layers of 384 experts give about 300 MB."""
LARGEST_HEADER = 100_000_000
"""Bytes allowed of it for the header."""


def is_fingerprint(path: Path) -> bool:
    """Whether a file is a fingerprint rather than weights, by its header metadata alone."""
    try:
        return path.is_file() and record_text(path) is not None
    except (OSError, ValueError):  # a name too long for the file system, or a folder that may not be entered
        return False


def may_be_fingerprint(path: Path) -> bool:
    """Whether a file is a fingerprint, or is too damaged to tell: not so a sound file of weights.

    An interrupted copy, a pointer of Git LFS or a link to nothing is no reason to believe that a folder lacks a
    fingerprint.
    """
    try:
        if not path.is_file():
            return path.is_symlink() and not path.exists()
        with open_regular(path) as file:
            size, first = os.fstat(file.fileno()).st_size, file.read(8)
            return not is_other(first + file.read(header_length(first, size)))
    except (OSError, ValueError):
        return True


def header_length(first: bytes, size: int) -> int:
    """Bytes of the header of a safetensors file, after the first 8; 0 if there cannot be one.

    Parameters
    ----------
    first : the first 8 bytes.
    size : bytes of the file.
    """
    length = int.from_bytes(first, "little")
    return length if len(first) == 8 and length <= min(size - 8, LARGEST_HEADER) else 0


def is_other(start: bytes) -> bool:
    """Whether a file that begins with its first 8 bytes and its header is sound, and no fingerprint."""
    try:
        return HEADER not in json_object(start[8:], most=LARGEST_HEADER).get("__metadata__", {})
    except (ValueError, TypeError):
        return False


def check_target(path: Path) -> None:
    """Refuse to write a fingerprint over a file of something else, such as the weights that it is made from.

    Raises
    ------
    InputError
        If there is such a file; one that is empty may be replaced.
    """
    if path.is_file() and path.stat().st_size and not is_fingerprint(path):
        raise InputError(f"{str(path)!r:.200} is no fingerprint, and would be lost; move it, or give another place.")


def record_text(path: Path) -> str | None:
    """The record's JSON in the file's metadata; None if there is none.

    Raises
    ------
    FingerprintError
        If the file cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            return None  # opening a pipe would wait for ever
        with open_regular(path) as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(os.fstat(file.fileno()).st_size, LARGEST_HEADER):
                return None
            header = file.read(length)
        if HEADER.encode() not in header:  # the usual case, and headers of weights may be long
            return None
        text = json_object(header, most=LARGEST_HEADER).get("__metadata__", {}).get(HEADER)
    except OSError as error:
        raise FingerprintError(f"{path.name!r:.120} cannot be read ({error.strerror}); check the path.") from error
    except (ValueError, AttributeError):
        return None
    return text if isinstance(text, str) else None


def bounded_bytes(path: Path) -> bytes:
    """The content of a file of no more than ``LARGEST_FILE`` bytes.

    Raises
    ------
    FingerprintError
        The caller adds the file's name to the message.
    """
    try:
        return read_regular(path, LARGEST_FILE)
    except OSError as error:
        raise FingerprintError(f"cannot be read ({error.strerror})") from error
