"""Siblings as they are named on the command line: folders of models, lists in CSV files, single models."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..base import InputError
from ..calibrate.csv_file import columns


def by_kind(given: Sequence[str]) -> dict[str, list[str]]:
    """The siblings of each kind.

    Parameters
    ----------
    given : a folder that holds folders alone, each a model, all of one kind with the folder's name; a CSV file with
        the columns ``model`` and, if they are of several kinds, ``kind``, paths being relative to it; or the path or
        address of a model, of the kind without a name.

    Raises
    ------
    InputError
        If a list cannot be read, or a folder names a kind twice.

    Examples
    --------
    >>> by_kind(["org/one", "org/two"])
    {'': ['org/one', 'org/two']}
    """
    found: dict[str, list[str]] = {}
    for name in given:
        path = Path(name)
        if path.suffix.lower() == ".csv":
            for row in columns("siblings", name, ("model",), ("kind",)):
                beside = path.parent / row["model"]
                found.setdefault(row.get("kind", ""), []).append(str(beside) if beside.exists() else row["model"])
        elif models := _models(path):
            kind = path.resolve().name
            if kind in found:
                raise InputError(f"Two folders of siblings are named {kind!r:.80}; give each kind one name.")
            found[kind] = models
        else:
            found.setdefault("", []).append(name)
    return found


def _models(folder: Path) -> list[str]:
    """The folders in a folder, if it holds nothing else; none otherwise."""
    if not folder.is_dir():
        return []
    inside = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    return [os.fspath(entry) for entry in inside] if inside and all(entry.is_dir() for entry in inside) else []
