"""beyond: whether two fine-tunes of one base are closer than its unrelated fine-tunes are."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Never

import numpy as np
from numpy.typing import NDArray

from ..base import InputError, Progress, in_notebook, options, software
from ..checkpoint import Location, Opened, opened
from ..fingerprint.given import check_weights
from ..wording import LATEST
from .changes import Measured, measure
from .rank import check_reach, closeness
from .record import (
    NUMBERS,
    BeyondModel,
    BeyondReport,
    Closeness,
    NotCompared,
    Number,
    OtherNumber,
    Sibling,
    TensorLeft,
)

__all__ = [
    "BeyondModel",
    "BeyondReport",
    "Closeness",
    "NotCompared",
    "OtherNumber",
    "Sibling",
    "TensorLeft",
    "beyond",
]

Given = str | os.PathLike[str] | Location
Siblings = Collection[Given] | Mapping[str, Collection[Given]]
"""Siblings of one kind, or of each kind by its name."""

MOST_SIBLINGS = 1000
MOST_SEARCHED = 10**9
FARTHEST = 0.2
"""Cosine with the base's matrices below which a model is not taken for one that was made from it."""


def beyond(
    a: Given,
    b: Given,
    base: Given,
    siblings: Siblings = (),
    *,
    alpha: float = 0.01,
    searched: int = 1,
    created: str | datetime | None = None,
    progress: Progress = in_notebook,
    **unknown: Never,
) -> BeyondReport:
    """Whether two models that were made from one base have more in common than the base.

    Parameters
    ----------
    a, b : path or address of a folder or file of weights, or a Location. An adapter is merged onto the base.
    base : what both were made from, likewise.
    siblings : other models that were made from the base, unrelated to one another, to A and to B beyond it; by kind
        if they are of several, such as the data that they were trained on. Without any, numbers are counted and
        nothing is ranked.
    alpha : level of the p-value, fixed before.
    searched : pairs of models that were searched for this one; p is multiplied by it.
    created : time to record, in ISO 8601 or as a datetime with a time zone; the present by default.
    progress : called while weights are compared; by default it shows bars in a notebook, and nothing elsewhere.
    unknown : always empty; options of other names are refused.

    Returns
    -------
    BeyondReport

    Raises
    ------
    InputError
        If an argument is invalid, siblings are too few for the level, two of the models are one, or one does not look
        like a model made from the base.
    CheckpointError
        If a model cannot be read.

    Examples
    --------
    >>> from verify.data import model
    >>> report = beyond(model("fine-tuned"), model("continued-3x"), model("reference"))
    >>> report.outcome, report.log10_p
    ('counted', None)
    """
    options.no_others(unknown)
    alpha, searched = options.fraction("alpha", alpha), options.positive("searched", searched, MOST_SEARCHED)
    stamp = options.time("created", created)
    kinds, others = _listed(siblings)
    if others:
        check_reach(kinds, alpha, searched)
    under, *given = (_weights(Location.of(one)) for one in (base, a, b, *others))
    root = opened(under)
    models = [opened(one, under) for one in given]
    found = measure(root, models, progress)
    _check(root, models, found)
    of_base, of_a, of_b, *rest = (
        _model(one, *facts)
        for one, *facts in zip(
            (root, *models),
            found.sha256,
            found.non_finite,
            (None, *found.near.tolist()),
            (0, *np.diag(found.shapes).round().astype(int).tolist()),
            strict=True,
        )
    )
    scores = found.similarity
    similarity = float(scores[0, 1]) if np.isfinite(scores[0, 1]) else None
    return BeyondReport(
        wording=LATEST,
        base=of_base,
        a=of_a,
        b=of_b,
        siblings=tuple(Sibling(model=model, kind=kind) for model, kind in zip(rest, kinds, strict=True)),
        similarity=similarity,
        numbers=tuple(_number(name, found) for name in NUMBERS),
        entries=found.entries,
        closeness=closeness(scores, found.sha256[3:], kinds, alpha, searched)
        if others and similarity is not None
        else None,
        tensors=tuple(
            TensorLeft(
                name=one.name,
                dtype=one.dtype,
                entries=one.entries,
                same_a=one.same_a,
                same_b=one.same_b,
                same_both=one.same_both,
                equal=one.equal,
                ranked=one.ranked,
            )
            for one in found.tensors
        ),
        not_compared=tuple(NotCompared(name=name, model=side, reason=reason) for name, side, reason in found.refused),
        software=software("safetensors", "pydantic"),
        created=stamp,
    ).sealed()


def _weights(location: Location) -> Location:
    """A location of weights.

    Raises
    ------
    InputError
        If a fingerprint is given.
    """
    check_weights(location, "the numbers that changes are made of")
    return location


def _listed(siblings: Siblings) -> tuple[list[str], list[Given]]:
    """The kind of each sibling, and the siblings."""
    if isinstance(siblings, str | os.PathLike | Location) or not isinstance(siblings, Collection):
        options.refuse("siblings", siblings, "a list of models, or a mapping of kinds to lists")
    by_kind = siblings if isinstance(siblings, Mapping) else {"": siblings}
    kinds: list[str] = []
    found: list[Given] = []
    for kind, models in by_kind.items():
        if isinstance(models, str | os.PathLike | Location) or not isinstance(models, Collection):
            options.refuse(f"siblings of the kind {kind!r:.80}", models, "a list of models")
        kinds += [options.text("a kind of siblings", kind)] * len(models)
        found += models
    if len(found) > MOST_SIBLINGS:
        raise InputError(f"{len(found)} siblings are given; give at most {MOST_SIBLINGS}.")
    return kinds, found


def _check(base: Opened, models: Sequence[Opened], found: Measured) -> None:
    """Refuse models that are no siblings.

    Raises
    ------
    InputError
        If they have no tensor in common, one holds the numbers of the base or of another, or is far from the base.
    """
    if not found.tensors or not found.entries:
        raise InputError(
            f"{base.name} and the models have no tensor in common that is stored as plain numbers; give a base and "
            "models that were made from it."
        )
    for model, near in zip(models, found.near.tolist(), strict=True):
        if not near >= FARTHEST:
            raise InputError(
                f"{model.name} does not look like a model made from {base.name}: the cosine of their matrices is "
                f"{near:.3f}; give the base that it was made from."
            )
    seen = {found.sha256[0]: base.name}
    for model, sha256, number in zip(models, found.sha256[1:], range(len(models)), strict=True):
        if number > 1 and sha256 in seen:
            raise InputError(
                f"The sibling {model.name} holds the same numbers as {seen[sha256]}; give models that are unrelated "
                "beyond the base."
            )
        seen[sha256] = model.name
    sizes = np.diag(found.shapes)[2:].tolist()
    unchanged = [model.name for model, size in zip(models[2:], sizes, strict=True) if not size > 0]
    if unchanged:
        raise InputError(f"The sibling {unchanged[0]} changed no matrix of {base.name}; leave it out.")


def _model(one: Opened, sha256: str, non_finite: int, near: float | None, directions: int) -> BeyondModel:
    return BeyondModel(
        name=one.name,
        origin=one.origin,
        revision=one.revision,
        merged_onto=one.merged_onto,
        declared_bases=one.declared_bases,
        numbers_sha256=sha256,
        non_finite=non_finite,
        near=None if near is None else round(near, 6),
        directions=directions,
    )


def _number(name: Number, found: Measured) -> OtherNumber:
    """A further number, beside those of pairs of two siblings or, of equal numbers, of A or B with one."""
    scores: NDArray[np.float64] = {
        "cosine": found.cosine,
        "partial": found.partial,
        "signs": found.sign_agreement,
        "equal": found.equal_share,
        "row_spaces": found.row_spaces,
    }[name]
    n = len(scores)
    others = scores[:2, 2:].ravel() if name == "equal" else scores[2:, 2:][np.triu_indices(n - 2, 1)]
    others = others[np.isfinite(others)]
    known = np.isfinite(scores[0, 1]) and (name != "partial" or n > 2)  # which is beyond other models
    value = float(scores[0, 1]) if known else None
    if value is None or not others.size:
        return OtherNumber(name=name, value=value)
    return OtherNumber(
        name=name,
        value=value,
        among=len(others),
        reached=int((others >= value).sum()),
        median=float(np.median(others)),
        largest=float(others.max()),
    )
