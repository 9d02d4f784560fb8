"""test_lineage: two models in, one claim report out."""

from __future__ import annotations

import os
import platform
from collections.abc import Collection
from datetime import UTC, datetime
from numbers import Integral

from .base import FingerprintError, InputError, Progress, Workers, silent, software
from .checkpoint import Location
from .claim import ClaimReport, Provenance, Subject
from .claim.conclude import conclude, identical, level_of_one, not_needed, pairs_searched
from .fingerprint import COMPONENTS, EFFORTS, SAMPLED, Effort, Fingerprint, check_same, fingerprint
from .panel import Panel, evaluate, load_panel
from .statistics import EXACT_TESTS, TestResult

Model = str | os.PathLike[str] | Location | Fingerprint
_LARGEST_SEED = 10**3000  # that a report can state: longer texts are no numbers to Python

PanelSource = str | os.PathLike[str] | Panel | None


def test_lineage(
    a: Model,
    b: Model,
    *,
    effort: Effort | None = None,
    alpha: float = 1e-3,
    panel: PanelSource = None,
    panel_alpha: float = 1e-2,
    families: Collection[str] = (),
    selection: str = "pre-specified",
    seed: int = 0,
    chronology: str | None = None,
    created: str | None = None,
    workers: Workers = None,
    progress: Progress = silent,
) -> ClaimReport:
    """Test whether two checkpoints share initial weights or derivation.

    Parameters
    ----------
    a : the questioned model: path or address of a folder or file of weights, path of a saved fingerprint, a Location,
        or a Fingerprint.
    b : the reference, likewise.
    effort : how much of the weights is read and compared, ``"screen"``, ``"standard"`` or ``"full"``: see
        :func:`verify.fingerprint`. The exact tests are the same at standard and full; a panel needs full. The default
        is full for files of this machine and wherever a panel is used, else standard.
    alpha : level of the exact tests; the chance of ``dependent`` for strangers is at most this.
    panel : unrelated models to rank the pair among: ``"default"`` for the one that ships, a folder, or a Panel.
        Finds copies whose units were permuted *and* whose residual stream was rotated, which no exact test can.
    panel_alpha : level of the primary panel test; if the panel's assumptions hold, the chance of
        ``similar_beyond_panel`` for strangers is at most this.
    families : declared families of A and B; members of the panel that belong to them are left out.
    selection : ``"pre-specified"``, or ``"best_of_K"`` (such as ``"best_of_50"``) where K pairs were searched for
        this one: the report's p-values then pay for K.
    seed : recorded; no test draws random numbers.
    chronology : which file existed first and how that is known, in words; recorded as stated.
    created : ISO 8601 time to record; now by default. It is the report's only clock.
    workers : processes that read weights, or an executor to hand the layers to; the report is the same.
    progress : called while weights are read.

    Returns
    -------
    ClaimReport

    Raises
    ------
    InputError
        If a model cannot be used, or the fingerprints were made under different sketches, or state the same weights
        and hold different numbers.

    Examples
    --------
    >>> from verify.data import model
    >>> report = test_lineage(model("fine-tuned"), model("reference"))
    >>> report.verdict, report.tests["unit_identity"].statistic
    ('dependent', 256)
    """
    if isinstance(families, str):
        raise InputError(f"families is the text {families!r:.60}; give a list of family names.")
    for name, level in (("alpha", alpha), ("panel_alpha", panel_alpha)):
        if not 0 < level < 1:
            raise InputError(f"{name} is {level}; give a level between 0 and 1, such as 0.001.")
    created, tries, reference = _time(created), pairs_searched(selection), load_panel(panel)
    _check_text(chronology)
    if isinstance(seed, bool) or not isinstance(seed, Integral) or abs(int(seed)) >= _LARGEST_SEED:
        raise InputError(f"seed is {seed!r:.60}; give an integer of at most 3000 digits.")
    if reference is not None and effort not in (None, "full"):
        raise InputError(f"effort is {effort!r}, and a panel needs all weights; give 'full', or no panel.")
    asked: Effort | None = "full" if reference is not None else effort
    read = _fingerprint(a, asked, workers, progress), _fingerprint(b, asked, workers, progress)
    first, second = at_one_effort(*read, effort=asked)
    for model in (first, second):
        _check_whole(model)
    results, evidence = not_needed(), None
    subject_a, subject_b = (Subject.read(model) for model in read)
    if identical(subject_a, subject_b):
        check_same(first, second)
    else:
        results = exact_results(first, second, alpha=alpha, selection=selection)
        if reference is not None:
            evidence = evaluate(
                reference, first, second, alpha=panel_alpha, families=families, tries=tries, progress=progress
            )
    return conclude(
        subject_a,
        subject_b,
        results,
        evidence,
        alpha=alpha,
        panel_alpha=panel_alpha,
        selection=selection,
        chronology=chronology,
        shared_anchors=len(set(first.record.anchors) & set(second.record.anchors)),
        provenance=Provenance(
            software=_software(), effort=first.record.effort, sketch=first.record.sketch, seed=str(int(seed))
        ),
        created=created,
    )


test_lineage.__test__ = False  # type: ignore[attr-defined]  # not for pytest


def at_one_effort(a: Fingerprint, b: Fingerprint, *, effort: Effort | None = None) -> tuple[Fingerprint, Fingerprint]:
    """Two fingerprints as they compare: at the effort given, else at the smaller of theirs.

    Raises
    ------
    FingerprintError
        If one was made at less effort than given, or under another sketch.
    """
    efforts = sorted((model.record.effort for model in (a, b)), key=EFFORTS.index)
    first, second = (model.at(effort or efforts[0]) for model in (a, b))
    if first.record.sketch != second.record.sketch:
        raise FingerprintError(
            f"The fingerprints of {a.record.name} and {b.record.name} were made under different sketches "
            f"({first.record.sketch} and {second.record.sketch}); make them again with one specification."
        )
    return first, second


def exact_results(
    a: Fingerprint, b: Fingerprint, *, alpha: float = 1e-3, selection: str = "pre-specified"
) -> list[TestResult]:
    """Each exact test of two fingerprints; the level and the search enter statements of power alone."""
    applicable = sum(test.refuse(a, b) is None for test in EXACT_TESTS)
    level = level_of_one(alpha, applicable, selection)
    return [test(a, b, level=level) for test in EXACT_TESTS]


def _fingerprint(model: Model, effort: Effort | None, workers: Workers, progress: Progress) -> Fingerprint:
    if isinstance(model, Fingerprint):
        return model
    return fingerprint(model, effort=effort, workers=workers, progress=progress)


def _time(created: str | None) -> str:
    if created is None:
        return datetime.now(UTC).isoformat(timespec="seconds")
    try:
        datetime.fromisoformat(created)
    except ValueError as error:
        raise InputError(
            f"created is {created!r:.60}; give a time in ISO 8601, such as 2026-01-31T12:00:00+00:00."
        ) from error
    return created


def _check_text(chronology: str | None) -> None:
    try:
        (chronology or "").encode()
    except UnicodeEncodeError as error:
        raise InputError(f"chronology is {chronology!r:.60}; give text that UTF-8 can encode.") from error


def _check_whole(model: Fingerprint) -> None:
    expected = COMPONENTS if model.record.effort == "full" else SAMPLED
    if missing := sorted(set(expected).difference(model.record.components)):
        raise FingerprintError(
            f"The fingerprint of {model.record.name} was cut down for a panel and lacks {', '.join(missing)}; "
            "make it again from the weights."
        )


def _software() -> dict[str, str]:
    versions = {"python": platform.python_version()} | software("scipy", "pydantic")
    return dict(sorted(versions.items()))  # as canonical JSON sorts them
