"""Build a panel from a recipe: fingerprint every model once, score every pair; a bad model is skipped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from itertools import combinations
from math import log10
from pathlib import Path, PurePath

from ..base import FingerprintError, InputError, Progress, StatisticsError, Workers, options, silent
from ..fingerprint import COMPONENTS, Fingerprint, SketchSpec, fingerprint, is_fingerprint
from ..inference import bonferroni_min
from ..statistics import EXACT_TESTS, PANEL_STATISTICS, PRIMARY
from ..statistics.applicability import on_anchors
from .recipe import Entry, Recipe
from .record import (
    PANEL_COMPONENTS,
    Exclusion,
    Member,
    Panel,
    PanelRecord,
    RelatedPair,
    fingerprint_file,
)
from .scores import ScoreFile, compute
from .selection import comparable_groups, stratum_of

RELATED_LEVEL = 1e-3
"""Family-wise level over all pairs of the panel below which pairs are listed as suspected relatives."""


def build_panel(
    models: Recipe | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    base: str | os.PathLike[str] | None = None,
    workers: Workers = None,
    progress: Progress = silent,
    report: Callable[[str], None] | None = None,
) -> Panel:
    """Build a panel in ``folder`` and save it.

    A fingerprint already in the folder is used unless its model has changed since, so an interrupted build resumes.

    Parameters
    ----------
    models : a recipe, or the path of its file (TOML or YAML).
    folder : where the panel is written.
    base : folder that relative paths of the recipe start from: by default that of its file, or the working directory.
    workers : number of processes for reading layers, or an executor; the panel does not depend on it.
    progress : called while models are read and pairs compared.
    report : called with one line for every model that is skipped.

    Returns
    -------
    Panel

    Raises
    ------
    InputError
        If an argument is invalid, the recipe cannot be read, or no model could be fingerprinted.
    """
    folder, progress = options.path("folder", folder), options.function("progress", progress)
    start = None if base is None else options.path("base", base)
    workers = options.processes("workers", workers)
    if isinstance(models, Recipe):
        recipe, start = models, start or Path()
    else:
        file = options.path("models", models, "a Recipe, or the path of its file")
        recipe, start = Recipe.read(file), start or file.parent
    prints: dict[str, Fingerprint] = {}
    excluded: list[Exclusion] = []
    contents: dict[str, str] = {}
    for n, entry in enumerate(recipe.members, start=1):
        try:
            found = _fingerprint(entry, folder, start, workers, progress)
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
        kinship=related_pairs(prints, progress),
    )
    panel = with_scores(Panel(record, prints), progress)
    panel.save(folder)
    return panel


def with_scores(panel: Panel, progress: Progress = silent) -> Panel:
    """The same panel with scores of every set of members that can be compared with one another."""
    found = []
    for number, (members, anchors) in enumerate(comparable_groups(panel)):
        models = [on_anchors(panel.fingerprints[member.name], anchors) for member in members]
        for statistic in PANEL_STATISTICS:
            pairs = combinations(models, 2)
            if len(members) > 2 and not any(statistic.refusal(a, b) for a, b in pairs):
                names = [member.name for member in members]
                found.append((f"{statistic.id}-{number}", compute(statistic, models, names, anchors, None, progress)))
    files = tuple(
        ScoreFile(
            file=f"scores/{name}.safetensors",
            statistic=scores.statistic,
            version=scores.version,
            anchors=scores.anchors,
            names=scores.names,
            sha256=hashlib.sha256(scores.to_bytes()).hexdigest(),
        )
        for name, scores in found
    )
    return Panel(
        panel.record.model_copy(update={"scores": files}), panel.fingerprints, [scores for _, scores in found]
    )


def slim(panel: Panel) -> Panel:
    """The same panel with only the arrays of panel statistics: about two thirds of the size, without exact tests."""
    prints = {name: found.only(*PANEL_COMPONENTS) for name, found in panel.fingerprints.items()}
    members = tuple(
        member.model_copy(update={"fingerprint_sha256": hashlib.sha256(prints[member.name].to_bytes()).hexdigest()})
        for member in panel.record.members
    )
    return Panel(panel.record.model_copy(update={"members": members}), prints, panel.scores)


def related_pairs(prints: dict[str, Fingerprint], progress: Progress = silent) -> tuple[RelatedPair, ...]:
    """Pairs that the exact tests find related, family-wise over all pairs; no member is dropped for it."""
    pairs = list(combinations(prints, 2))
    found = []
    for n, (a, b) in enumerate(pairs, start=1):
        results = [test(prints[a], prints[b]) for test in EXACT_TESTS]
        values = [result.log10_p for result in results if result.log10_p is not None]
        log10_p = min(0.0, (bonferroni_min(values) if values else 0.0) + log10(len(pairs)))
        if log10_p <= log10(RELATED_LEVEL):
            found.append(RelatedPair(a=a, b=b, log10_p=log10_p))
        progress("comparing members", n, len(pairs))
    return tuple(sorted(found, key=lambda pair: pair.log10_p))


def _fingerprint(entry: Entry, folder: Path, base: Path, workers: Workers, progress: Progress) -> Fingerprint:
    """The fingerprint of a member, written to the folder.

    Raises
    ------
    InputError
        With the reason why there is none.
    """
    file, source = fingerprint_file(folder, entry.member), base / entry.model
    made = made_before(file, source)
    found = made
    if found is None:
        model = source if source.exists() else entry.model
        found = fingerprint(model, effort="full", workers=workers, progress=progress)
    if found.record.sketch != SketchSpec():
        raise InputError("was fingerprinted under another sketch; give its weights")
    if found.record.components != COMPONENTS:
        raise InputError("its fingerprint was cut down for a panel; give its weights or a whole fingerprint")
    if PRIMARY.refusal(found, found) is None:
        try:
            PRIMARY(found, found)
        except StatisticsError as error:  # it would have no score with other models either
            raise InputError(str(error)) from error
    if made is None:
        found.save(file)
    return found


def made_before(file: Path, source: Path) -> Fingerprint | None:
    """The fingerprint of an earlier run; None if it is damaged or the model has changed since.

    A panel keeps its members' fingerprints even if their weights are deleted, so they are not in the cache of
    :func:`verify.fingerprint`, whose keys depend on the files present.
    """
    try:
        made, found = file.stat().st_mtime, Fingerprint.load(file)
        if is_fingerprint(source):
            return None  # reading it again costs no more
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
        source=entry.source or (entry.member if _is_place(entry.model) else entry.model),
        licence=entry.licence,
        content_sha256=found.record.content_sha256,
        fingerprint_sha256=hashlib.sha256(found.to_bytes()).hexdigest(),
    )


def _is_place(model: str) -> bool:
    """Whether a recipe names a model by a local path, which is meaningless elsewhere."""
    first = PurePath(model).parts[:1]
    return first in ((), ("/",), ("..",))
