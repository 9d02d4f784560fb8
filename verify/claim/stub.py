"""A fingerprint without arrays, of what a report records: enough to tell which tests apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..base import Phrase
from ..fingerprint import ANCHORS, Fingerprint, FingerprintRecord, components
from .subject import Subject

if TYPE_CHECKING:
    from .report import ClaimReport

IDENTICAL = Phrase.of("identical_weights")
"""Why no test applies to a model and itself."""


def stub(report: ClaimReport, subject: Subject, side: int) -> Fingerprint:
    """What decides whether a test applies: architecture, and how many anchor tokens are shared.

    Where an older report does not say how many, as many as could be, so that no test is dropped for want of a number.

    Parameters
    ----------
    report : that records both.
    subject : the model: A or B of the report.
    side : 0 for A, 1 for B.

    Returns
    -------
    Fingerprint
        With a record and no arrays.
    """
    known = [min(max(model.anchors, 0), len(ANCHORS)) for model in (report.a, report.b)]
    shared = min(known) if report.shared_anchors is None else min(*known, report.shared_anchors)
    shared = max(shared, sum(known) - len(ANCHORS), 0)
    start = 0 if side == 0 else known[0] - shared
    known_of = (
        "name",
        "architecture",
        "dead",
        "files",
        "content_sha256",
        "unrecognised",
        "unrecognised_inside",
        "pairing",
        "tokenizer",
        "unused",
    )
    fields = {name: getattr(subject, name) for name in known_of}
    record = FingerprintRecord.model_construct(
        **fields,
        effort=report.provenance.effort,
        sketch=report.provenance.sketch,
        components=components(report.provenance.sketch, report.provenance.effort),
        anchors=tuple(range(start, start + known[side])),
    )
    return Fingerprint(record, {})
