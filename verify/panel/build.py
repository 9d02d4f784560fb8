"""Build a panel from a recipe: fingerprint every model once, score every pair; a bad model is skipped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from math import log10
from pathlib import Path, PurePath

from ..base import (
    FingerprintError,
    InputError,
    Progress,
    StatisticsError,
    Workers,
    exists,
    in_notebook,
    options,
    passed_over,
    silent,
)
from ..checkpoint import Architecture
from ..fingerprint import COMPONENTS, Fingerprint, SketchSpec, fingerprint, is_fingerprint
from ..inference import bonferroni_min
from ..statistics import EXACT_TESTS, PANEL_STATISTICS, PRIMARY
from ..statistics.applicability import on_anchors
from .members import Exclusion, Member, RelatedPair, Twins
from .recipe import Entry, Recipe
from .record import PANEL_COMPONENTS, Panel, PanelRecord, fingerprint_file
from .scores import ScoreFile, compute
from .selection import comparable_groups, stratum_of
from .twin_scores import TwinFile
from .twins import twin_scores

EARLIER_UNITS = 64
"""Units of an MLP that earlier fingerprints keep: twins are scored with as many too, to rank these among them."""
RELATED_LEVEL = 1e-3
"""Family-wise level over all pairs of the panel below which pairs are listed as suspected relatives."""


def build_panel(
    models: Recipe | str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    base: str | os.PathLike[str] | None = None,
    workers: Workers = None,
    progress: Progress = in_notebook,
    report: Callable[[str], None] | None = None,
) -> Panel:
    """Build a panel in ``folder`` and save it.

    A fingerprint already in the folder is used unless its model has changed since, so an interrupted build resumes.

    Parameters
    ----------
    models : a recipe, the path of its file (TOML or YAML), or the name of one that ships, such as ``hub-twins``.
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
        recipe, place = Recipe.find(options.path("models", models, "a Recipe, the path of its file, or a name"))
        start = start or place
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
        except OSError:  # of the panel's own folder
            raise
        except Exception as error:  # one model must not end the panel of the others
            reason = str(error) if isinstance(error, InputError) else passed_over(error, entry.member)
            excluded.append(Exclusion(name=entry.member, reason=reason))
            if report is not None:
                report(f"{entry.member}: skipped: {reason}")
        progress(f"panel {recipe.name}", n, len(recipe.members))
    if not prints:
        raise InputError(f"No model of the recipe {recipe.name!r:.100} could be fingerprinted; see the reasons.")
    made = [entry for entry in recipe.members if entry.member in prints]
    twins, alone = _twins(made, prints)
    for entry in alone:
        reason = f"no second model of the recipe {entry.recipe!r:.100}, of the same kinds of MLP and norm, is left"
        excluded.append(Exclusion(name=entry.member, reason=reason))
        del prints[entry.member]
        if report is not None:
            report(f"{entry.member}: skipped: {reason}")
    members = tuple(_member(entry, prints[entry.member]) for entry in made if not entry.recipe)
    if not members:
        raise InputError(
            f"No reference of the recipe {recipe.name!r:.100} is left; give models without `recipe`, against which "
            "the levels of twins are measured."
        )
    pairs = [
        *combinations((m.name for m in members), 2),
        *((a.name, b.name) for one in twins for a, b in [one.pair]),
        *_next_of_shape(twins, prints),
    ]
    record = PanelRecord(
        name=recipe.name,
        version=recipe.version,
        description=recipe.description,
        sketch=next(iter(prints.values())).record.sketch,
        members=members,
        twins=twins,
        excluded=tuple(excluded),
        kinship=related_pairs(prints, pairs, progress),
    )
    panel = with_scores(Panel(record, prints), progress)
    panel.save(folder)
    return panel


def with_scores(panel: Panel, progress: Progress = silent) -> Panel:
    """The same panel with scores of every set of members that can be compared, and of the twins of their kind."""
    found, of_twins = [], []
    for number, (members, anchors) in enumerate(comparable_groups(panel)):
        models = [on_anchors(panel.fingerprints[member.name], anchors) for member in members]
        names = [member.name for member in members]
        for statistic in PANEL_STATISTICS:
            pairs = combinations(models, 2)
            if len(members) > 2 and not any(statistic.refusal(a, b) for a, b in pairs):
                found.append((f"{statistic.id}-{number}", compute(statistic, models, names, anchors, None, progress)))
        shape = models[0].record.architecture
        kept = _twins_on(panel, (shape.gated, shape.norm), anchors)
        for units in (panel.record.sketch.match_units, EARLIER_UNITS) if kept else ():
            made = twin_scores(panel, PRIMARY, kept, tuple(names), anchors, units, progress)
            if made is not None:
                of_twins.append((f"twins-{PRIMARY.id}-{number}-{units}", anchors, units, made))
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
    twin_files = tuple(
        TwinFile(
            file=f"scores/{name}.safetensors",
            statistic=PRIMARY.id,
            version=PRIMARY.version,
            anchors=anchors,
            units=units,
            recipes=made.recipes,
            references=made.references,
            sha256=hashlib.sha256(made.to_bytes()).hexdigest(),
        )
        for name, anchors, units, made in of_twins
    )
    return Panel(
        panel.record.model_copy(update={"scores": files, "twin_scores": twin_files}),
        panel.fingerprints,
        [scores for _, scores in found],
        [made for *_, made in of_twins],
        panel.folder,
    )


def _next_of_shape(twins: Sequence[Twins], prints: Mapping[str, Fingerprint]) -> Iterator[tuple[str, str]]:
    """Each model of a recipe's pair with each of the next recipe of the same shape.

    One seed for all recipes makes initial weights that all of them share, and is easily left undeclared.
    """
    by_shape: dict[Architecture, list[Twins]] = {}
    for one in twins:
        by_shape.setdefault(prints[one.pair[0].name].record.architecture, []).append(one)
    for alike in by_shape.values():
        for one, following in pairwise(alike):
            yield from ((a.name, b.name) for a in one.pair for b in following.pair)


def _twins_on(panel: Panel, kind: tuple[bool, str], anchors: tuple[int, ...]) -> tuple[Twins, ...]:
    """The recipes of a kind of MLP and norm whose pairs know a token list."""
    return tuple(
        twins
        for twins in panel.record.twins
        if twins.kind == kind
        and all(
            (found := panel.twin(member)) is not None and set(anchors).issubset(found.record.anchors)
            for member in twins.pair
        )
    )


def _twins(entries: Sequence[Entry], prints: Mapping[str, Fingerprint]) -> tuple[tuple[Twins, ...], list[Entry]]:
    """The recipes with two models or more, and the models left alone; a recipe is of one kind of MLP and norm."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.recipe:
            groups.setdefault(entry.recipe, []).append(entry)
    twins, alone = [], []
    for recipe, group in groups.items():
        kinds = [(shape.gated, shape.norm) for shape in (prints[entry.member].record.architecture for entry in group)]
        kept = [entry for entry, kind in zip(group, kinds, strict=True) if kind == kinds[0]]
        rest = [entry for entry, kind in zip(group, kinds, strict=True) if kind != kinds[0]]
        if len(kept) < 2:
            kept, rest = [], group
        else:
            models = tuple(_member(entry, prints[entry.member]) for entry in kept)
            twins.append(Twins(recipe=recipe, gated=kinds[0][0], norm=kinds[0][1], models=models))
        alone += rest
    return tuple(twins), alone


def slim(panel: Panel) -> Panel:
    """The same panel with only what claims read: the arrays of panel statistics of members, and scores of twins."""
    prints = {m.name: panel.fingerprints[m.name].only(*PANEL_COMPONENTS) for m in panel.record.members}
    members = tuple(
        member.model_copy(update={"fingerprint_sha256": hashlib.sha256(prints[member.name].to_bytes()).hexdigest()})
        for member in panel.record.members
    )
    return Panel(panel.record.model_copy(update={"members": members}), prints, panel.scores, panel.twin_scores)


def related_pairs(
    prints: Mapping[str, Fingerprint], pairs: Sequence[tuple[str, str]], progress: Progress = silent
) -> tuple[RelatedPair, ...]:
    """Pairs that the exact tests find related, family-wise over all pairs given; no model is dropped for it.

    Parameters
    ----------
    prints : fingerprints by name.
    pairs : names of two models each.
    progress : called after each pair.
    """
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
        model = source if exists(source) else entry.model
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
        if not exists(source):
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
        gated=found.record.architecture.gated,
        norm=found.record.architecture.norm,
        initial=entry.initial,
        source=entry.source or (entry.member if _is_place(entry.model) else entry.model),
        licence=entry.licence,
        content_sha256=found.record.content_sha256,
        fingerprint_sha256=hashlib.sha256(found.to_bytes()).hexdigest(),
    )


def _is_place(model: str) -> bool:
    """Whether a recipe names a model by a local path, which is meaningless elsewhere."""
    first = PurePath(model).parts[:1]
    return first in ((), ("/",), ("..",))
