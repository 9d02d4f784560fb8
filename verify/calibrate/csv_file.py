"""Read small CSV files of strangers: bounded, UTF-8, every row as long as the header."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from pathlib import Path

from ..base import InputError, options, read_regular

LARGEST = 1 << 27
"""Bytes."""


def cells(path: Path, content: bytes) -> list[list[str]]:
    """The rows of a CSV file, header first, without blank ones; cells without the spaces around them.

    Raises
    ------
    InputError
        If it is not UTF-8, not CSV, empty, or a row has another length than the header.
    """
    try:
        rows = [
            [cell.strip() for cell in row]
            for row in csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
            if any(cell.strip() for cell in row)
        ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name!r:.120} is not a CSV file in UTF-8 ({error!s:.80}); save it as one.") from error
    if len(rows) < 2:
        raise InputError(f"{path.name!r:.120} has {len(rows)} rows that are not blank; give a header and rows.")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise InputError(
                f"Row {number} of {path.name!r:.120} has {len(row)} cells and its header {len(rows[0])}; give each "
                "row as many as the header."
            )
    return rows


def read_bytes(name: str, path: object) -> tuple[Path, bytes]:
    """A file's path and content.

    Raises
    ------
    InputError
        If it cannot be read, or is larger than 128 MiB.
    """
    place = options.path(name, path, "the path of a CSV file")
    try:
        return place, read_regular(place, LARGEST)
    except OSError as error:
        raise InputError(
            f"{place.name!r:.120} cannot be read as {name} ({error.strerror}); check the path."
        ) from error


def columns(name: str, path: object, needed: Sequence[str], others: Collection[str] = ()) -> list[dict[str, str]]:
    """The rows of a CSV file with named columns.

    Parameters
    ----------
    name : name of the argument, for messages.
    path : where the file is.
    needed : columns that it must have.
    others : columns that it may have.

    Raises
    ------
    InputError
        If the file cannot be read, or has other columns.
    """
    place, content = read_bytes(name, path)
    head, *rows = cells(place, content)
    if not set(needed) <= set(head) <= {*needed, *others} or len(set(head)) < len(head):
        wanted = ",".join(needed) + "".join(f"[,{other}]" for other in others)
        raise InputError(f"{place.name!r:.120} has the columns {','.join(head)!r:.120}; give {wanted}.")
    return [dict(zip(head, row, strict=True)) for row in rows]
