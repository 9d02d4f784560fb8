"""The digest of a whole model folder, as OpenSSF model signing computes it by default, bound to a report's model.

It is sha256 over the sha256 digests of all files (32 raw bytes each), in the order of their paths part by part,
without those of Git and the signature itself: the subject of the ``model.sig`` that ``model_signing sign`` writes.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ..base import InputError, ReportError, options, sha256_of_file
from .subject import Subject

IGNORED = (".git", ".gitattributes", ".github", ".gitignore", "model.sig")
"""Names in the folder itself that are no part of the model."""
_MOST_FILES = 1_000_000


def folder_sha256(folder: str | os.PathLike[str]) -> str:
    """The digest of a folder.

    Raises
    ------
    InputError
        If it is none, holds no file, or holds a link or something else that model signing refuses.
    """
    return _root(_digests(options.path("folder", folder)))


def bound(subject: Subject, folder: str | os.PathLike[str]) -> str:
    """The digest of the folder of a report's model, once its files of weights are known to be those of the report.

    Raises
    ------
    InputError
        If it is no folder that can be digested.
    ReportError
        If it does not hold a file of the report, or another one of that name, or the report lists no file, or
        has no sha256 of it.
    """
    if not subject.files:
        raise ReportError(
            f"The report lists no file of {subject.name!r:.120}, so it cannot be bound to a folder; make it again "
            "from the weights."
        )
    digests = _digests(options.path("folder", folder))
    of_files = {"/".join(parts): value for parts, value in digests.items()}
    name = os.path.basename(os.path.abspath(folder))  # noqa: PTH100, PTH119 - of the path as given
    for file in subject.files:
        if file.sha256 is None:
            raise ReportError(
                f"The report has no sha256 of {file.name!r:.120}, since it was not read whole, so it cannot be bound "
                "to a folder; make it again at full effort."
            )
        if of_files.get(file.name) != file.sha256:
            what = "another" if file.name in of_files else "no"
            raise ReportError(
                f"{name!r:.120} holds {what} {file.name!r:.120} than the report on {subject.name!r:.120}, so it is "
                "not the folder of that model; give the one that was examined."
            )
    return _root(digests)


def _root(digests: dict[tuple[str, ...], str]) -> str:
    return hashlib.sha256(b"".join(bytes.fromhex(digests[parts]) for parts in sorted(digests))).hexdigest()


def _digests(folder: Path) -> dict[tuple[str, ...], str]:
    """sha256 of every file by the parts of its path."""
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r:.200} is no folder; give the folder of the model.")
    found: dict[tuple[str, ...], str] = {}
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if parts[0] in IGNORED:
            continue
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise InputError(
                f"{'/'.join(parts)!r:.200} is a link or no regular file, which model signing refuses; give a folder "
                "with the files themselves."
            )
        if path.is_file():
            if len(found) >= _MOST_FILES:
                raise InputError(f"{str(folder)!r:.200} holds more than {_MOST_FILES} files; give a model's folder.")
            found[parts] = sha256_of_file(path)
    if not found:
        raise InputError(f"{str(folder)!r:.200} holds no file; give the folder of the model.")
    return found
