"""Results kept in the folder of a screen, so that an interrupted one goes on and one more model costs its own pairs.

A result is a file named by the sha256 of its content, so a damaged one is known by its name; it is removed, and made
anew, and so is one that is not of its kind. Nothing here proves who wrote a file: the folder is trusted like the
program itself. All results lie under a digest of everything but the models that they depend on, and name their models
by the sha256 of their fingerprints. Those of models that are no longer listed stay, until the folder is deleted.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from ..base import InputError, digest, json_object, read_regular, software, write_atomically

VERSION = 7
"""Version of the stages; a change invalidates kept results."""

_LARGEST = 1 << 28  # bytes
_OF_A_VERSION = re.compile("[0-9a-f]{32}")  # the name of a folder that is made here

T = TypeVar("T")


class Kept:
    """The results of one version of the software.

    Parameters
    ----------
    work : folder of the screen's work.
    depends_on : everything that results depend on, apart from the models and the versions of the software.
    """

    def __init__(self, work: Path, depends_on: Mapping[str, Any]) -> None:
        content = {**depends_on, "stages": VERSION, "software": software("scipy")}
        self._place = work / "results" / digest(content)[-32:]
        for other in self._place.parent.glob("*"):
            if other != self._place and _OF_A_VERSION.fullmatch(other.name):
                shutil.rmtree(other, ignore_errors=True)

    def all(self, kind: str, read: Callable[[Any], T]) -> Iterator[T]:
        """All results of a kind, in a fixed order.

        Parameters
        ----------
        kind : the kind.
        read : makes a result of its JSON value; a ValueError says that it is none.
        """
        for file in sorted(self._place.glob(f"{kind}-*.json")):
            try:
                content = read_regular(file, _LARGEST)
            except OSError:
                continue
            try:
                if file.name != _name(kind, content):
                    raise ValueError("damaged")
                result = read(json_object(content, most=_LARGEST))
            except ValueError:
                with suppress(OSError):  # where it cannot be removed, it is passed over
                    file.unlink()
                continue
            yield result

    def put(self, kind: str, result: Any) -> None:
        """Keep a result, a JSON value."""
        content = json.dumps(result, separators=(",", ":")).encode()
        try:
            write_atomically(self._place / _name(kind, content), content)
        except OSError as error:
            where = str(self._place.parent)
            raise InputError(f"{where!r:.200} cannot be written ({error.strerror}); give another folder.") from error


def _name(kind: str, content: bytes) -> str:
    return f"{kind}-{sha256(content).hexdigest()}.json"
