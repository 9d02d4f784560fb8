"""Results kept in the folder of a screen, so that an interrupted one goes on and one more model costs its own pairs.

A result is a file named by the sha256 of its content, so a damaged one is known by its name: it is removed, and made
anew. All results lie under a digest of everything but the models that they depend on, and name their models by the
sha256 of their fingerprints. Those of models that are no longer listed stay, until the folder is deleted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..base import digest, software, write_atomically

VERSION = 5
"""Version of the stages; a change invalidates kept results."""


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
            if other != self._place:
                shutil.rmtree(other, ignore_errors=True)

    def all(self, kind: str) -> Iterator[Any]:
        """All results of a kind, as JSON values, in a fixed order."""
        for file in sorted(self._place.glob(f"{kind}-*.json")):
            try:
                content = file.read_bytes()
            except OSError:
                continue
            if file.name == _name(kind, content):
                yield json.loads(content)
            else:
                file.unlink(missing_ok=True)

    def put(self, kind: str, result: Any) -> None:
        """Keep a result, a JSON value."""
        content = json.dumps(result, separators=(",", ":")).encode()
        write_atomically(self._place / _name(kind, content), content)


def _name(kind: str, content: bytes) -> str:
    return f"{kind}-{sha256(content).hexdigest()}.json"
