"""Recipe to panel: fingerprint every model once; one bad model is reported and skipped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import combinations
from math import log10
from pathlib import Path

from ..base import InputError, Progress, silent
from ..fingerprint import Fingerprint, SketchSpec, fingerprint
from ..inference import smallest
from ..statistics import EXACT_TESTS
from .recipe import Entry, Recipe
from .record import Exclusion, Kin, Member, Panel, PanelRecord, fingerprint_file
from .selection import stratum_of

KINSHIP_LEVEL = 1e-3
"""Family-wise over all pairs of the panel: pairs below it are listed as suspected relatives."""


def build(
    recipe: Recipe,
    folder: Path,
    *,
    base: Path = Path(),
    progress: Progress = silent,
    report: Callable[[str], None] | None = None,
) -> Panel:
    """Build a panel in ``folder`` and save it.

    A fingerprint already in the folder is used unless its model has changed since, so an interrupted build resumes.

    Parameters
    ----------
    recipe : Recipe
    folder : where the panel is written.
    base : where relative paths of the recipe start.
    progress : called while models are read and pairs compared.
    report : called with one line for every model that is skipped.

    Raises
    ------
    InputError
        If no model at all could be fingerprinted.
    """
    prints: dict[str, Fingerprint] = {}
    excluded: list[Exclusion] = []
    contents: dict[str, str] = {}
    for n, entry in enumerate(recipe.members, start=1):
        try:
            found = _fingerprint(entry, folder, base, progress)
            twin = contents.setdefault(found.record.content_sha256, entry.member)
            if twin != entry.member:
                raise InputError(f"holds the same weights as {twin}")
            prints[entry.member] = found
        except InputError as error:
            excluded.append(Exclusion(name=entry.member, reason=str(error)))
            if report is not None:
                report(f"{entry.member}: skipped: {error}")
        progress(f"panel {recipe.name}", n, len(recipe.members))
    if not prints:
        raise InputError(f"No model of the recipe {recipe.name!r:.100} could be fingerprinted; see the reasons.")
    record = PanelRecord(
        name=recipe.name,
        version=recipe.version,
        description=recipe.description,
        sketch=next(iter(prints.values())).record.sketch,
        members=tuple(_member(entry, prints[entry.member]) for entry in recipe.members if entry.member in prints),
        excluded=tuple(excluded),
        kinship=suspected(prints, progress),
    )
    panel = Panel(record, prints).with_scores(progress)
    panel.save(folder)
    return panel


def suspected(prints: dict[str, Fingerprint], progress: Progress = silent) -> tuple[Kin, ...]:
    """Pairs that the symmetry tests find related, family-wise over all pairs; none is ever dropped for it."""
    pairs = list(combinations(prints, 2))
    found = []
    for n, (a, b) in enumerate(pairs, start=1):
        results = [test(prints[a], prints[b]) for test in EXACT_TESTS]
        values = [result.log10_p for result in results if result.log10_p is not None]
        log10_p = min(0.0, (smallest(values) if values else 0.0) + log10(len(pairs)))
        if log10_p <= log10(KINSHIP_LEVEL):
            found.append(Kin(a=a, b=b, log10_p=log10_p))
        progress("kinship", n, len(pairs))
    return tuple(sorted(found, key=lambda kin: kin.log10_p))


def _fingerprint(entry: Entry, folder: Path, base: Path, progress: Progress) -> Fingerprint:
    cached, source = fingerprint_file(folder, entry.member), base / entry.model
    fresh = cached.is_file() and all(path.stat().st_mtime <= cached.stat().st_mtime for path in _files(source))
    found = Fingerprint.load(cached) if fresh else fingerprint(source, progress=progress)
    if found.record.sketch != SketchSpec():
        raise InputError("was fingerprinted under another sketch; give its weights")
    if not fresh:
        found.save(cached)
    return found


def _files(source: Path) -> list[Path]:
    return [path for path in source.iterdir() if path.is_file()] if source.is_dir() else [source]


def _member(entry: Entry, found: Fingerprint) -> Member:
    return Member(
        name=entry.member,
        family=entry.family,
        stratum=entry.stratum or stratum_of(found.record.architecture),
        source=entry.source or entry.model,
        licence=entry.licence,
        content_sha256=found.record.content_sha256,
        fingerprint_sha256=hashlib.sha256(found.to_bytes()).hexdigest(),
    )
