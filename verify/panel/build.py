"""Recipe to panel: fingerprint every model once; one bad model is reported and skipped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import combinations
from math import log10
from pathlib import Path, PurePath

from ..base import FingerprintError, InputError, Progress, StatisticsError, silent
from ..fingerprint import COMPONENTS, Fingerprint, SketchSpec, fingerprint, is_fingerprint
from ..inference import smallest
from ..statistics import EXACT_TESTS, PRIMARY
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
    """A fingerprint that can be a member's, in the folder.

    Raises
    ------
    InputError
        Saying why there is none.
    """
    file, source = fingerprint_file(folder, entry.member), base / entry.model
    made = made_before(file, source)
    found = made or fingerprint(source if source.exists() else entry.model, effort="full", progress=progress)
    if found.record.sketch != SketchSpec():
        raise InputError("was fingerprinted under another sketch; give its weights")
    if found.record.components != COMPONENTS:
        raise InputError("its fingerprint was cut down for a panel; give its weights or a whole fingerprint")
    if PRIMARY.refusal(found, found) is None:
        try:
            PRIMARY(found, found)
        except StatisticsError as error:  # it would have no score with any other either
            raise InputError(str(error)) from error
    if made is None:
        found.save(file)
    return found


def made_before(file: Path, source: Path) -> Fingerprint | None:
    """The fingerprint of an earlier run, unless it is damaged or the model has changed since.

    A panel keeps its members' fingerprints whether or not their weights are still there, so the cache of
    :func:`verify.fingerprint`, whose key is of the files at hand, is no place for them.
    """
    try:
        made, found = file.stat().st_mtime, Fingerprint.load(file)
        if is_fingerprint(source):
            return None  # as quickly read
        if not source.exists():
            return found if found.record.name == source.name else None
        stats = {path.name: path.stat() for path in (source.iterdir() if source.is_dir() else [source])}
    except (OSError, FingerprintError):
        return None
    same = found.record.sketch == SketchSpec() and all(
        each.name in stats and stats[each.name].st_size == each.size for each in found.record.files
    )
    return found if same and all(stat.st_mtime <= made for stat in stats.values()) else None


def _member(entry: Entry, found: Fingerprint) -> Member:
    return Member(
        name=entry.member,
        family=entry.family,
        stratum=entry.stratum or stratum_of(found.record.architecture),
        corpus=entry.corpus,
        source=entry.source or (entry.model if PurePath(entry.model).parts[0] not in ("/", "..") else entry.member),
        licence=entry.licence,
        content_sha256=found.record.content_sha256,
        fingerprint_sha256=hashlib.sha256(found.to_bytes()).hexdigest(),
    )
