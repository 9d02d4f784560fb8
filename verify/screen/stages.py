"""screen: many models in, pairs and families out; two stages, both resumable.

1. Every model is fingerprinted, or its fingerprint read, once, and cut down to its first-stage sketch.
2. Every pair goes through the first stage, in tiles of models (``screen.first_stage``).
3. The pairs that pass are given all exact tests, as :func:`verify.test_lineage` does.
4. Error rates are controlled over *all* pairs, those that did not pass included (``screen.conclude``).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import combinations_with_replacement
from math import log10
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..base import (
    InputError,
    Progress,
    VerifyError,
    Workers,
    in_notebook,
    options,
    run_in_order,
)
from ..claim.evidence import combine
from ..fingerprint import (
    EFFORTS,
    Effort,
    Fingerprint,
    difference,
    nothing_differs,
)
from ..fingerprint.given import Model, at_one_effort, check_model
from ..lineage import exact_results
from . import sketches
from .conclude import Compared, Tested, conclude, level_of_pair
from .first_stage import TileResult, tile
from .kept import TaskCache
from .models import Labelled, Prepared, Unreadable, is_one, labelled, located, once, prepare, with_digests
from .result import ScreenResult

TILE = 64
"""Models on each side of a tile."""
LARGEST_LEVEL = 0.01
"""Largest level of a first-stage statistic, unadjusted."""
MAX_FALSE_PASSES_PER_MODEL = 0.02
"""Largest expected number of unrelated pairs that pass by chance, for each model and statistic; the second stage then
grows with the number of models, not of pairs."""
WORK = ".work"
"""Folder of cached work, which may be deleted once a screen is done."""

_BATCH = 8  # pairs of one second-stage task


def screen(
    models: Sequence[Model],
    *,
    against: Model | None = None,
    effort: Effort = "screen",
    alpha: float = 1e-3,
    fdr: float = 0.01,
    workers: Workers = None,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress = in_notebook,
) -> ScreenResult:
    """Test every pair of many models for shared initial weights or derivation, with the exact tests alone.

    Parameters
    ----------
    models : paths or addresses of weights (folder or file), paths of fingerprints, Locations, or Fingerprints; the
        order does not matter.
    against : compare all models with this one only (and not with itself); the correction is then for one pair per
        model.
    effort : how much of the weights to read; two models compare at the smaller of their efforts.
    alpha : family-wise error rate over all pairs: the largest probability of any false ``dependent``.
    fdr : false discovery rate; the expected share of false pairs among those called ``dependent`` or ``suspected`` is
        at most ``alpha + fdr``.
    workers : None for this process, a number of processes, or any executor, such as that of a dask cluster
        (``Client.get_executor()``), whose workers must see the folder under the same path.
    folder : folder for unfinished work, from which an interrupted screen resumes.
    progress : called while models are read and tiles and pairs compared.

    Returns
    -------
    ScreenResult
        The same for the same models and options, whatever the workers.

    Raises
    ------
    InputError
        If fewer than two models can be read, or an option cannot be used.

    Examples
    --------
    >>> from verify.data import model
    >>> found = screen([model(name) for name in ("reference", "fine-tuned", "stranger-1")])
    >>> [family.members for family in found.families]
    [('fine-tuned', 'reference')]
    """
    if isinstance(models, str | bytes | os.PathLike | Mapping) or not isinstance(models, Iterable):
        options.refuse("models", models, "a list of models")
    models = list(models)
    for source in models:
        check_model("a model", source)
    if against is not None:
        check_model("against", against)
    effort = options.one_of("effort", effort, EFFORTS)
    alpha, fdr = options.fraction("alpha", alpha), options.fraction("fdr", fdr)
    workers, progress = options.processes("workers", workers), options.function("progress", progress)
    if folder is not None:
        work = options.path("folder", folder) / WORK
        try:
            work.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{str(folder)!r:.200} cannot be written ({error.strerror}); give another.") from error
        return _screen(models, against, effort, alpha, fdr, workers, work, progress)
    with TemporaryDirectory(prefix="verify-screen-") as place:
        return _screen(models, against, effort, alpha, fdr, workers, Path(place), progress)


def _screen(
    sources: Sequence[Model],
    against: Model | None,
    effort: Effort,
    alpha: float,
    fdr: float,
    workers: Workers,
    work: Path,
    progress: Progress,
) -> ScreenResult:
    work = work.resolve()
    given = once([located(source, work) for source in ([] if against is None else [against]) + [*sources]])
    prepared: list[Prepared | Unreadable] = []
    for n, outcome in enumerate(run_in_order(partial(prepare, work=work, effort=effort), given, workers), start=1):
        prepared.append(outcome)
        progress("reading models", n, len(given))
    unreadable = [outcome for outcome in prepared if isinstance(outcome, Unreadable)]
    if against is not None and isinstance(prepared[0], Unreadable):
        raise InputError(prepared[0].reason)
    ready = [outcome for outcome in prepared if isinstance(outcome, Prepared)]
    if against is not None:
        ready = [ready[0], *(one for one in ready[1:] if not is_one(one, ready[0]))]
    if len(ready) < 2:
        because = f": {unreadable[0].reason}" if unreadable else "; a model that is given twice counts once."
        raise InputError(f"{len(ready)} of {len(given)} models can be compared; give at least two{because}")
    ready = with_digests(ready, work, workers)
    models = labelled(ready)
    one = None if against is None else next(m for m in models if m.prepared is ready[0])

    order = sorted(models, key=lambda m: (m is not one, m.prepared.signature, m.label))
    pairs = len(models) - 1 if one else len(models) * (len(models) - 1) // 2
    log10_level = log10(min(LARGEST_LEVEL, MAX_FALSE_PASSES_PER_MODEL * len(models) / pairs))
    depends_on = {
        "models": [m.prepared.sha256 for m in order],
        "against": one is not None,
        "log10_level": log10_level,
        "tile": TILE,
    }
    kept = TaskCache(work, depends_on)
    tiles = kept.run(
        "tile",
        partial(_tile, log10_level=log10_level),
        list(_tiles(order, alone=one is not None)),
        workers,
        vars,
        _tile_from_json,
        partial(progress, "first stage"),
    )
    passing = sorted(_oriented(order, at, found) for result in tiles for *at, found in result.passing)
    batches = [passing[i : i + _BATCH] for i in range(0, len(passing), _BATCH)]
    files = {m.label: m.prepared.file for m in models}
    level_of_one = level_of_pair(alpha, pairs)
    tested = kept.run(
        f"pairs-{level_of_one!r}",
        partial(_second_stage, alpha=level_of_one),
        [[(str(files[a]), str(files[b])) for a, b, _ in batch] for batch in batches],
        workers,
        lambda result: [list(vars(t).values()) for t in result],
        lambda stored: [Tested(*entry) for entry in stored],
        partial(progress, "second stage"),
    )
    return conclude(
        [Compared(m.label, m.prepared.sha256, m.prepared.record) for m in models],
        unreadable=[(outcome.name, outcome.reason) for outcome in unreadable],
        against=one.label if one else None,
        alpha=alpha,
        fdr=fdr,
        pairs=pairs,
        log10_level=log10_level,
        tiles=tiles,
        identical=sorted(_oriented(order, at, {})[:2] for result in tiles for at in result.identical),
        refused=_refused(order, tiles),
        tested=[(*pair, t) for pair, t in zip(passing, (t for batch in tested for t in batch), strict=True)],
    )


# ---- tasks

TileTask = tuple[tuple[Path, ...], tuple[Path, ...], tuple[int, int]]


def _tiles(order: Sequence[Labelled], *, alone: bool) -> Iterator[TileTask]:
    """Pairs of stretches of models to compare, with the positions of their first models."""
    files = [m.prepared.first for m in order]
    first = 1 if alone else 0
    chunks = [(at, tuple(files[at : at + TILE])) for at in range(first, len(files), TILE)]
    both = (((0, (files[0],)), c) for c in chunks) if alone else combinations_with_replacement(chunks, 2)
    for (i, a), (j, b) in both:
        yield a, b, (i, j)


def _tile(task: TileTask, log10_level: float) -> TileResult:
    first, second, starts = task
    return tile(_sketches(first), _sketches(second), starts, log10_level)


@lru_cache(maxsize=3)
def _sketches(files: tuple[Path, ...]) -> list[sketches.FirstSketch]:
    return [sketches.load_sketch(file) for file in files]


def _second_stage(pairs: list[tuple[str, str]], alpha: float) -> list[Tested]:
    """Run all exact tests on some pairs of fingerprint files; ``alpha`` is the level of one pair."""
    return [_tested(_loaded(a), _loaded(b), alpha) for a, b in pairs]


def _tested(a: Fingerprint, b: Fingerprint, alpha: float) -> Tested:
    try:
        found = exact_results(*at_one_effort(a, b), alpha=alpha)
    except VerifyError as error:
        return Tested({}, {}, None, str(error))
    return Tested(
        {result.id: result.log10_p for result in found},
        {result.id: result.detectable_share for result in found},
        combine(found)[1],
        None,
        nothing_differs(a.record, b.record) and not difference(a.arrays, b.arrays),
    )


@lru_cache(maxsize=2)
def _loaded(file: str) -> Fingerprint:
    return Fingerprint.load(file)


def _oriented(
    order: Sequence[Labelled], at: Sequence[int], found: dict[str, float]
) -> tuple[str, str, dict[str, float]]:
    """The labels of a pair, in order, and its first-stage p-values."""
    a, b = sorted(order[i].label for i in at)
    return a, b, found


def _refused(order: Sequence[Labelled], tiles: Sequence[TileResult]) -> Counter[str]:
    """Number of pairs that no exact test applies to, by model."""
    refused: Counter[str] = Counter()
    for result in tiles:
        refused.update({order[at].label: pairs for at, pairs in result.refused})
    return refused


def _tile_from_json(stored: Any) -> TileResult:
    return TileResult(
        passing=[(i, j, found) for i, j, found in stored["passing"]],
        identical=[(i, j) for i, j in stored["identical"]],
        untestable=[(reason, pairs) for reason, pairs in stored["untestable"]],
        sizes=[(statistic, law, n, groups) for statistic, law, n, groups in stored["sizes"]],
        tested=stored["tested"],
        refused=[(at, pairs) for at, pairs in stored["refused"]],
    )
