"""screen: many models in, pairs and families out; two stages, both resumable.

1. Every model is fingerprinted, or its fingerprint read, once, and cut down to its first-stage sketch.
2. Every pair goes through the first stage, in tiles of models (``screen.first_stage``).
3. The pairs that pass are given all exact tests, as :func:`verify.test_lineage` does.
4. Error rates are controlled over *all* pairs, those that did not pass included (``screen.conclude``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import log10
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..base import InputError, Progress, Workers, in_notebook, options, run_in_order
from ..fingerprint import EFFORTS, Effort
from ..fingerprint.given import Model, check_model
from ..statistics import EXACT_TESTS
from . import first_stage, sketches
from .all_pairs import compare_all
from .conclude import Compared, conclude
from .contradictions import contradictions
from .counts import MOST_ORDERED
from .kept import Kept
from .models import Labelled, Prepared, Unreadable, is_one, labelled, located, once, prepare, with_digests
from .result import ScreenResult
from .second_stage import Pair, test_pairs

MAX_FALSE_PASSES_PER_MODEL = 0.02
"""Largest expected number of unrelated pairs that pass by chance, for each model and statistic; the second stage then
grows with the number of models, not of pairs."""
WORK = ".work"
"""Folder of cached work, which may be deleted once a screen is done."""


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
    with work_of(folder) as work:
        return screened(models, against, effort, alpha, fdr, workers, work, progress)


@contextmanager
def work_of(folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    """The place of unfinished work: in a folder, where it stays, or in a temporary one.

    Parameters
    ----------
    folder : as given to :func:`screen`.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    if folder is None:
        with TemporaryDirectory(prefix="verify-screen-") as place:
            yield Path(place).resolve()
        return
    work = options.path("folder", folder) / WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{str(folder)!r:.200} cannot be written ({error.strerror}); give another.") from error
    yield work.resolve()


def screened(
    sources: Sequence[Model],
    against: Model | None,
    effort: Effort,
    alpha: float,
    fdr: float,
    workers: Workers,
    work: Path,
    progress: Progress,
    *,
    copies: bool = False,
) -> ScreenResult:
    """The screen, by arguments that were checked.

    Parameters
    ----------
    sources, against, effort, alpha, fdr, workers, progress : as of :func:`screen`.
    work : folder of the work.
    copies : whether a fingerprint of ``against`` among the models is an exact copy of it, not the model itself.
    """
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
        ready = [ready[0], *(one for one in ready[1:] if copies or not is_one(one, ready[0]))]
    if len(ready) < 2:
        because = f": {unreadable[0].reason}" if unreadable else "; a model that is given twice counts once."
        raise InputError(f"{len(ready)} of {len(given)} models can be compared; give at least two{because}")
    ready = with_digests(ready, work, workers)
    models = labelled(ready, ready[0] if copies else None)
    one = None if against is None else next(m for m in models if m.prepared is ready[0])

    order = sorted(models, key=lambda m: (m is not one, m.prepared.signature, m.label))
    pairs = len(models) - 1 if one else len(models) * (len(models) - 1) // 2
    log10_level = log10(min(first_stage.LARGEST_LEVEL, MAX_FALSE_PASSES_PER_MODEL * len(models) / pairs))
    kept = Kept(work, _depends_on())
    first = compare_all(
        order,
        kept,
        alone=one is not None,
        log10_level=log10_level,
        workers=workers,
        progress=partial(progress, "first stage"),
    )
    passing = sorted(_oriented(order, at, found) for *at, found in first.passing)
    by_label = {m.label: m.prepared for m in models}
    tested = test_pairs(
        [Pair(by_label[a], by_label[b]) for a, b, _ in passing], kept, workers, partial(progress, "second stage")
    )
    identical = sorted(_oriented(order, at, {})[:2] for at in first.identical)
    return conclude(
        [Compared(m.label, m.prepared.sha256, m.prepared.record, m.prepared.signed) for m in models],
        unreadable=[(outcome.name, outcome.reason) for outcome in unreadable],
        contradicting=contradictions(models, set(identical), one),
        against=one.label if one else None,
        alpha=alpha,
        fdr=fdr,
        pairs=pairs,
        log10_level=log10_level,
        first=first,
        identical=identical,
        refused={order[at].label: number for at, number in first.refused.items()},
        tested=[(*pair, t) for pair, t in zip(passing, tested, strict=True)],
    )


def _depends_on() -> dict[str, Any]:
    """Everything in the code that the result of a pair depends on and versions of the software do not tell."""
    return {
        "tests": {test.id: test.version for test in EXACT_TESTS},
        "sketches": sketches.constants(),
        "ordered": MOST_ORDERED,
        "level": first_stage.LARGEST_LEVEL,
    }


def _oriented(
    order: Sequence[Labelled], at: Sequence[int], found: dict[str, float]
) -> tuple[str, str, dict[str, float]]:
    """The labels of a pair, in order, and its first-stage p-values."""
    a, b = sorted(order[i].label for i in at)
    return a, b, found
