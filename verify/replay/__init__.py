"""replay: check that a report follows from its record, fingerprints or weights."""

from __future__ import annotations

import os
from collections.abc import Collection

from ..base import InputError, Progress, in_notebook, options
from ..base.callable_module import make_callable
from ..calibrate import CalibrationReport
from ..calibrate.reading import KIND as CALIBRATION
from ..checkpoint import Location
from ..claim import ClaimReport
from ..derivations import DerivationReport
from ..derivations.reading import KIND as DERIVATION
from ..fingerprint import Fingerprint
from ..fingerprint.given import Model, check_model
from ..panel import PanelSource, check_panel
from ..shares import ShareReport
from ..shares.reading import KIND as SHARE
from ..siblings import BeyondReport
from ..siblings.reading import KIND as BEYOND
from .agreement import Disagreement, Replay, Unchecked

__all__ = ["Disagreement", "Replay", "Unchecked", "replay"]


def replay(
    report: ClaimReport | CalibrationReport | ShareReport | BeyondReport | DerivationReport | str | os.PathLike[str],
    a: Model | None = None,
    b: Model | None = None,
    panel: PanelSource = None,
    *,
    candidates: Collection[str | os.PathLike[str] | Location] = (),
    base: str | os.PathLike[str] | Location | None = None,
    progress: Progress = in_notebook,
) -> Replay:
    """Check a report from its bytes; with the models, make it again and compare field by field.

    Parameters
    ----------
    report : path of a ``report.json``, its JSON text, or a report; one of ``verify.calibrate`` is checked alone.
    a, b : the two models, as weights or fingerprints; they must be those that the report names by digest.
    candidates : of a report of shares, its candidates in its order, as weights, ``a`` being its child; of a report
        beyond a base, its siblings in its order; of a report of a derivation, its third model.
    base : of a report beyond a base, and of a report of shares that has one, the base, as weights.
    panel : the panel that the report names by digest: ``"default"``, a folder, or a Panel.
    progress : called while weights are read; by default it shows bars in a notebook, and nothing elsewhere.

    Returns
    -------
    Replay
        The ``status`` (``sentence`` in words): ``"agrees"`` with the weights of both models,
        ``"agrees_with_fingerprints"``, ``"arithmetic_agrees"`` if neither model was given, or ``"disagrees"``; the
        fields that disagree, and those that could not be checked, beginning with the inputs of all others. ``agrees``
        is true if nothing that *was* compared disagrees.

    Raises
    ------
    ReportError
        If it is not a report, or of a schema that this version cannot read.
    InputError
        If only some of the models are given, a model or panel cannot be used, a panel is given that no test used, or
        any of them with a calibration report.

    Examples
    --------
    >>> from verify import test_lineage
    >>> from verify.data import model
    >>> pair = model("fine-tuned"), model("reference")
    >>> report = test_lineage(*pair)
    >>> replay(report).status, replay(report, *pair).status
    ('arithmetic_agrees', 'agrees')
    """
    for name, model in (("a", a), ("b", b)):
        if model is not None:
            check_model(name, model)
    check_panel(panel)
    progress = options.function("progress", progress)
    from .rerun import bytes_given, rerun

    source = report if isinstance(report, _REPORTS) else bytes_given(report)
    if isinstance(source, BeyondReport) or (isinstance(source, bytes) and BEYOND.is_meant(source)):
        if panel is not None:
            raise InputError("The report is one beyond a base; give A, B, their base and each sibling, and no panel.")
        if isinstance(a, Fingerprint) or isinstance(b, Fingerprint):
            raise InputError("A or B is a fingerprint, and changes of a base are read from weights; give weights.")
        from .beyond import replay_beyond

        first, second, under = (None if one is None else Location.of(one) for one in (a, b, base))
        return replay_beyond(source, (first, second, under), [Location.of(one) for one in candidates], progress)
    if isinstance(source, DerivationReport) or (isinstance(source, bytes) and DERIVATION.is_meant(source)):
        if base is not None or panel is not None:
            raise InputError("The report is of a derivation; give A, B and any third model, and no base or panel.")
        if isinstance(a, Fingerprint) or isinstance(b, Fingerprint):
            raise InputError("A or B is a fingerprint, and a derivation is read from weights; give weights.")
        from .derivation import replay_derivation

        first, second = (None if one is None else Location.of(one) for one in (a, b))
        return replay_derivation(source, first, second, [Location.of(one) for one in candidates], progress)
    if isinstance(source, ShareReport) or (isinstance(source, bytes) and SHARE.is_meant(source)):
        if b is not None or panel is not None:
            raise InputError(
                "The report is one of shares; give its child as A and each candidate, and leave B and the panel out."
            )
        from .shares import replay_shares

        if isinstance(a, Fingerprint):
            raise InputError("A is a fingerprint, and shares are read from weights; give the child's weights as A.")
        child, under = (None if one is None else Location.of(one) for one in (a, base))
        return replay_shares(source, child, [Location.of(one) for one in candidates], under, progress)
    if base is not None:
        raise InputError("A base is of a report beyond one or of shares, and this is none; give A and B alone.")
    if candidates:
        raise InputError("Candidates are of a report of shares, and this is none; give A and B alone.")
    if isinstance(source, CalibrationReport) or (isinstance(source, bytes) and CALIBRATION.is_meant(source)):
        if (a, b, panel) != (None, None, None):
            raise InputError(
                "The report is one of calibrated scores, which knows its models by name alone; leave models and "
                "panel out."
            )
        from .calibration import replay_calibration

        return replay_calibration(source)
    return rerun(source, a, b, panel, progress)


_REPORTS = ClaimReport | CalibrationReport | ShareReport | BeyondReport | DerivationReport

make_callable(__name__)
