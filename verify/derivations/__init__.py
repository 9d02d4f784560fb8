"""derivation: what was done to one checkpoint to get another, to the bit, and which order that excludes."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Never

from ..base import InputError, Progress, in_notebook, options, software
from ..checkpoint import Location, Opened, opened
from ..fingerprint.given import check_weights
from ..wording import LATEST
from .record import Amount, Changed, DerivationModel, DerivationReport, Rule, TensorAlone, TensorFrom, What

if TYPE_CHECKING:
    from .whole import Model

__all__ = [
    "Amount",
    "Changed",
    "DerivationModel",
    "DerivationReport",
    "Rule",
    "TensorAlone",
    "TensorFrom",
    "What",
    "derivation",
]

Given = str | os.PathLike[str] | Location


def derivation(
    a: Given,
    b: Given,
    third: Given | None = None,
    *,
    created: str | datetime | None = None,
    progress: Progress = in_notebook,
    **unknown: Never,
) -> DerivationReport:
    """What was done to a model to get another, to the bit, and which of the two the other cannot be computed from.

    Parameters
    ----------
    a, b : path or address of a folder or file of weights, or a Location; both are read whole. Rules are tried in both
        directions.
    third : a model that B may be merged with, or hold tensors of, likewise.
    created : time to record, in ISO 8601 or as a datetime with a time zone; the present by default.
    progress : called while weights are compared; by default it shows bars in a notebook, and nothing elsewhere.
    unknown : always empty; options of other names are refused.

    Returns
    -------
    DerivationReport

    Raises
    ------
    InputError
        If an argument is invalid or a fingerprint, or a model holds no numbers of a floating type.
    CheckpointError
        If a model cannot be read.

    Examples
    --------
    >>> from verify.data import model
    >>> report = derivation(model("reference"), model("merged-stranger"), model("stranger-1"))
    >>> report.done[0].rule.name, report.done[0].rule.value
    ('merged', 0.3)
    """
    options.no_others(unknown)
    stamp = options.time("created", created)
    first, second = _opened(a, "a"), _opened(b, "b")
    other = None if third is None else _opened(third, "third")
    from .whole import compare  # which needs packages that a reader of reports can do without

    found = compare(first, second, other, progress)
    for model, seen in ((first, found.a), (second, found.b)):
        if not seen.entries:
            raise InputError(f"{model.name} holds no numbers of a floating type; give a model's weights.")
    return DerivationReport(
        wording=LATEST,
        a=_model(first, found.a),
        b=_model(second, found.b),
        third=None if other is None or found.third is None else _model(other, found.third),
        tensors=tuple(found.tensors),
        alone_a=tuple(found.alone_a),
        alone_b=tuple(found.alone_b),
        not_read=tuple(found.not_read),
        software=software("safetensors", "pydantic"),
        created=stamp,
    ).sealed()


def _opened(model: Given, name: str) -> Opened:
    location = Location.of(model, name)
    check_weights(location, "the numbers that rules are of")
    return opened(location)


def _model(one: Opened, seen: Model) -> DerivationModel:
    return DerivationModel(
        name=one.name,
        origin=one.origin,
        revision=one.revision,
        merged_onto=one.merged_onto,
        declared_bases=one.declared_bases,
        numbers_sha256=seen.sha256,
        entries=seen.entries,
    )
