"""test_lineage: two models in, one claim report out."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from math import log10

from .base import FingerprintError, InputError, Progress, silent
from .claim import ClaimReport, Hypotheses, Provenance, Subject, Verdict, combine, decide, wording
from .fingerprint import COMPONENTS, Fingerprint, fingerprint
from .statistics import EXACT_TESTS, Statistic, TestResult

Model = str | os.PathLike[str] | Fingerprint


def test_lineage(
    a: Model,
    b: Model,
    *,
    alpha: float = 1e-3,
    seed: int = 0,
    chronology: str | None = None,
    created: str | None = None,
    progress: Progress = silent,
) -> ClaimReport:
    """Test whether two checkpoints share initial weights or derivation.

    Parameters
    ----------
    a : the questioned model: path of a folder or file of weights, of a saved fingerprint, or a Fingerprint.
    b : the reference, likewise.
    alpha : level of the exact tests; the chance of ``dependent`` for strangers is at most this.
    seed : recorded; no test with a symmetry null draws random numbers.
    chronology : which file existed first and how that is known, in words; recorded as stated.
    created : ISO 8601 time to record; now by default. It is the report's only clock.
    progress : called while weights are read.

    Returns
    -------
    ClaimReport

    Raises
    ------
    InputError
        If a model cannot be used, or the fingerprints were made under different sketches.

    Examples
    --------
    >>> from verify.data import model
    >>> report = test_lineage(model("fine-tuned"), model("reference"))
    >>> report.verdict, report.tests["unit_identity"].statistic
    ('dependent', 256)
    """
    if not 0 < alpha < 1:
        raise InputError(f"alpha is {alpha}; give a level between 0 and 1, such as 0.001.")
    created = _time(created)
    _check_text(chronology)
    first, second = (_fingerprint(model, progress) for model in (a, b))
    _check_comparable(first, second)
    if _identical(first, second):
        results, log10_p = [_not_needed(test) for test in EXACT_TESTS], None
        verdict: Verdict = "identical"
    else:
        applicable = sum(test.refuse(first, second) is None for test in EXACT_TESTS)
        level = log10(alpha) - log10(max(1, applicable))
        results, log10_p = combine([test(first, second, level=level) for test in EXACT_TESTS])
        verdict = decide(results, log10_p, alpha)
    return ClaimReport(
        a=Subject.of(first.record),
        b=Subject.of(second.record),
        verdict=verdict,
        finding=wording.finding(verdict, results, log10_p, alpha),
        alpha=alpha,
        log10_p=log10_p,
        chronology=chronology,
        hypotheses=Hypotheses(null=wording.NULL, alternative=wording.ALTERNATIVE),
        tests={result.id: result for result in results},
        multiplicity=wording.multiplicity(results),
        power=wording.power(verdict, results),
        limitations=wording.limitations(verdict, results, chronology),
        provenance=Provenance(software=_software(), sketch=first.record.sketch, seed=str(seed)),
        created=created,
    ).sealed()


test_lineage.__test__ = False  # type: ignore[attr-defined]  # not for pytest


def _fingerprint(model: Model, progress: Progress) -> Fingerprint:
    return model if isinstance(model, Fingerprint) else fingerprint(model, progress=progress)


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


def _check_comparable(a: Fingerprint, b: Fingerprint) -> None:
    if a.record.sketch != b.record.sketch:
        raise FingerprintError(
            f"The fingerprints of {a.record.name} and {b.record.name} were made under different sketches "
            f"({a.record.sketch} and {b.record.sketch}); make them again with one specification."
        )
    for model in (a, b):
        missing = sorted(set(COMPONENTS).difference(model.record.components))
        if missing:
            raise FingerprintError(
                f"The fingerprint of {model.record.name} was cut down for a panel and lacks {', '.join(missing)}; "
                "make it again from the weights."
            )


def _identical(a: Fingerprint, b: Fingerprint) -> bool:
    """The same learned tensors, or the same files."""
    if a.record.content_sha256 == b.record.content_sha256:
        return True
    files_a, files_b = ([file.sha256 for file in model.record.files] for model in (a, b))
    return bool(files_a) and files_a == files_b


def _not_needed(test: Statistic) -> TestResult:
    return TestResult(
        id=test.id,
        version=test.version,
        title=test.title,
        applicable=False,
        reason="the weights are identical, so there is nothing to test",
        null=test.null,
        assumptions=test.assumptions,
    )


def _software() -> dict[str, str]:
    from importlib.metadata import version

    packages = ("verify-lineage", "numpy", "scipy", "pydantic")
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return dict(sorted(versions.items()))  # as canonical JSON sorts them
