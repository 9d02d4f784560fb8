"""Fingerprints kept between runs, under everything that they are a function of.

The key is of the files as their place tells them apart (a commit; or path, size, time and number on a disk), the
layout, the sketch, the effort and the versions of what computes. Many may write at once: an entry is whole or
absent, and who writes one key writes the same bytes.
"""

from __future__ import annotations

import json
import logging
from importlib.metadata import version
from pathlib import Path

from ..base import Cache, FingerprintError
from ..checkpoint import ResolvedLocation, layout_of
from .record import Fingerprint
from .sketch import Effort, SketchSpec

_KIND = "fingerprints"
_SOFTWARE = ("verify-lineage", "numpy", "safetensors")

_log = logging.getLogger(__name__)


class Store:
    """Where fingerprints of one checkpoint, sketch and effort are kept."""

    def __init__(self, cache: Cache, where: ResolvedLocation, sketch: SketchSpec, effort: Effort) -> None:
        self.file: Path | None = None
        """None where the files cannot be told from what they may become."""
        if (state := where.state) is not None:
            layout = None if where.location.layout is None else repr(layout_of(where.location.layout))
            versions = {name: version(name) for name in _SOFTWARE}
            key = [state, layout, where.location.part, sketch.model_dump(), effort, versions]
            self.file = cache.path(_KIND, json.dumps(key, sort_keys=True))
        self._cache = cache

    def get(self) -> Fingerprint | None:
        """The fingerprint, if it was kept and is sound."""
        if self.file is None or not self.file.exists():
            return None
        try:
            found = Fingerprint.load(self.file)
        except FingerprintError:
            return None  # damaged: made again
        _log.info("%s: its fingerprint was kept", found.record.name)
        parts = [Fingerprint(part.record, part.arrays, read_from="weights") for part in found.parts]
        return Fingerprint(found.record, found.arrays, parts, read_from="weights")  # made from them, and kept here

    def put(self, found: Fingerprint) -> bool:
        """Keep a fingerprint, and say whether it is kept."""
        return self.file is not None and self._cache.write(self.file, found.to_bytes())
