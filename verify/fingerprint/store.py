"""Cache of fingerprints between runs; the key covers everything that determines a fingerprint.

The key covers the identity of the files (a commit; or path, size, time and inode), the layout, the sketch, the effort
and the software versions. Concurrent writers are safe: an entry is whole or absent, and all writers of one key write
the same bytes.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

from .. import checkpoint
from ..base import Cache, FingerprintError
from ..base.versions import version_of
from ..checkpoint import ResolvedLocation
from .record import Fingerprint
from .sketch import Effort, SketchSpec

_KIND = "fingerprints"
_SOFTWARE = ("verify-lineage", "numpy", "safetensors")

_log = logging.getLogger(__name__)


class Store:
    """The cache entry of one checkpoint, sketch and effort."""

    def __init__(self, cache: Cache, where: ResolvedLocation, sketch: SketchSpec, effort: Effort) -> None:
        self.file: Path | None = None
        """None if changes of the files could not be detected."""
        if (state := where.state) is not None:
            layout = None if where.location.layout is None else repr(checkpoint.layout_of(where.location.layout))
            versions = {name: version_of(name) for name in _SOFTWARE}
            key = [state, layout, where.location.declare, where.location.part, sketch.model_dump(), effort, versions]
            self.file = cache.path(_KIND, json.dumps(key, sort_keys=True))
        self._cache = cache

    def get(self) -> Fingerprint | None:
        """The cached fingerprint; None if there is none or it is damaged."""
        if self.file is None or not self.file.exists():
            return None
        try:
            found = Fingerprint.load(self.file)
        except FingerprintError:
            return None  # damaged: made again
        _log.info("%s: its fingerprint was kept", found.record.name)
        parts = [Fingerprint(part.record, part.arrays, read_from="weights") for part in found.parts]
        return Fingerprint(
            found.record, found.arrays, parts, read_from="weights"
        )  # made from weights, and cached here

    def put(self, found: Fingerprint) -> bool:
        """Cache a fingerprint; return whether that succeeded."""
        return self.file is not None and self._cache.write(self.file, found.to_bytes())
