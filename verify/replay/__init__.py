"""replay: check that a report follows from its record, fingerprints or weights."""

from __future__ import annotations

import os

from ..base import Progress, options, silent
from ..base.callable_module import make_callable
from ..claim import ClaimReport
from ..fingerprint.given import Model, check_model
from ..lineage import PanelSource
from ..panel import check_panel
from .agreement import Disagreement, Replay, Unchecked

__all__ = ["Disagreement", "Replay", "Unchecked", "replay"]


def replay(
    report: ClaimReport | str | os.PathLike[str],
    a: Model | None = None,
    b: Model | None = None,
    panel: PanelSource = None,
    *,
    progress: Progress = silent,
) -> Replay:
    """Check a report from its bytes; with the models, make it again and compare field by field.

    Parameters
    ----------
    report : path of a ``report.json``, its JSON text, or a report.
    a, b : the two models, as weights or fingerprints; they must be those that the report names by digest.
    panel : the panel that the report names by digest: ``"default"``, a folder, or a Panel.
    progress : called while weights are read.

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
        If only one model is given, a model or panel cannot be used, or a panel is given that no test used.

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
    from .rerun import rerun

    return rerun(report, a, b, panel, progress)


make_callable(__name__)
