"""share: how much of each candidate is in a child, with intervals of known confidence."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import reduce
from itertools import permutations
from math import ceil, isfinite
from operator import add
from typing import Never

from ..base import InputError, Progress, in_notebook, options, software
from ..checkpoint import Checkpoint, Location, Opened, is_alone, on_base, open_checkpoint, opened
from ..fingerprint.given import check_weights
from ..inference import Share, share_of
from ..inference.share_interval import DRAWS
from ..wording import LATEST
from .changes import Found, measure
from .estimate import Compared, compared, fit, unexplained
from .of_base import (
    ChangedTensor,
    ChangesOfBase,
    NumbersRead,
    OwnNumbers,
    ShareBase,
    SumOfChanges,
    TensorNotCompared,
    changes_of,
)
from .record import CandidateShare, Estimate, LayerShare, PartShare, ShareModel, ShareReport
from .rows import PARTS, Place, Rows, read

__all__ = [
    "CandidateShare",
    "ChangedTensor",
    "ChangesOfBase",
    "Estimate",
    "LayerShare",
    "NumbersRead",
    "OwnNumbers",
    "PartShare",
    "ShareBase",
    "ShareModel",
    "ShareReport",
    "SumOfChanges",
    "TensorNotCompared",
    "share",
]

Given = str | os.PathLike[str] | Location

MOST_CANDIDATES = 64
MOST_SEED = 2**31 - 1
LEAST_LEVEL, MOST_LEVEL = 0.5, 0.9999
FARTHEST = 0.2
"""Cosine with the base's matrices below which a model is not taken for one that was made from it."""
_RELATED = 1e-3
"""Level at which two candidates count as alike at their places; a false alarm only withholds intervals."""


def share(
    child: Given,
    candidates: Collection[Given],
    *,
    base: Given | None = None,
    level: float = 0.99,
    seed: int = 1,
    created: str | datetime | None = None,
    progress: Progress = in_notebook,
    **unknown: Never,
) -> ShareReport:
    """How much of each candidate a child carries, beyond all other candidates.

    Parameters
    ----------
    child : path or address of a folder or file of weights, or a Location. Shares need the lengths of rows, which
        fingerprints do not hold.
    candidates : models that it may have been merged from or trained on, likewise, of the child's width.
    base : a model that child and candidates were all made from, such as by fine-tuning. Then it is counted, in all
        weights, with which multiples of the candidates' changes of it the child's agree; such counts have no error
        rate, and no intervals are given, since all that is of the base would count as a share of every candidate.
    level : probability that the intervals of all candidates contain their shares, where each candidate is a model
        whose order of units says nothing about what else is in the child; likewise for all parts, and for all layers.
    seed : of the permutations, to be fixed before.
    created : time to record, in ISO 8601 or as a datetime with a time zone; the present by default.
    progress : called while weights are read; by default it shows bars in a notebook, and nothing elsewhere.
    unknown : always empty; options of other names are refused.

    Returns
    -------
    ShareReport

    Raises
    ------
    InputError
        If an argument is invalid, a candidate is of another width, or, with a base, a model does not look as if it
        was made from it or two candidates are one.
    CheckpointError
        If a model cannot be read.

    Examples
    --------
    >>> from verify.data import model
    >>> report = share(model("fine-tuned"), [model("reference")])
    >>> report.outcome
    'carries_share'
    >>> share(model("continued-3x"), [model("fine-tuned")], base=model("reference")).outcome
    'changes_not_found'
    """
    options.no_others(unknown)
    wanted = f"a confidence from {LEAST_LEVEL} to {MOST_LEVEL}"
    level, seed = options.fraction("level", level, wanted), options.positive("seed", seed, MOST_SEED)
    if not LEAST_LEVEL <= level <= MOST_LEVEL:
        options.refuse("level", level, wanted)
    stamp = options.time("created", created)
    if (
        isinstance(candidates, str | os.PathLike | Location)
        or not isinstance(candidates, Collection)
        or not candidates
    ):
        options.refuse("candidates", candidates, "a list of models")
    if len(candidates) > MOST_CANDIDATES:
        raise InputError(f"{len(candidates)} candidates are given; give at most {MOST_CANDIDATES}.")
    under = None if base is None else Location.of(base)
    places = [Location.of(model) for model in (child, *candidates)]
    checkpoints = [_opened(place, under) for place in places]
    _check_alike(checkpoints)
    rows = [read(checkpoint, progress) for checkpoint in checkpoints]
    models = [_model(checkpoint, found) for checkpoint, found in zip(checkpoints, rows, strict=True)]
    whole, others = rows[0], rows[1:]
    draws = draws_needed(level, len(others), whole.architecture.layers)
    if under is not None:
        return ShareReport(
            wording=LATEST,
            child=models[0],
            candidates=tuple(CandidateShare(model=model) for model in models[1:]),
            level=level,
            permutations=draws,
            seed=seed,
            unexplained=unexplained(whole, others),
            changes=_changes(under, places, seed, progress),
            software=software("safetensors", "pydantic"),
            created=stamp,
        ).sealed()
    related = _related(others, seed)
    fits = fit(whole, others)
    found = []
    for n, (model, candidate) in enumerate(zip(models[1:], others, strict=True)):
        rest = [other for k, other in enumerate(others) if k != n]
        relatives = tuple(sorted(k + 1 for k in related[n]))
        results = tuple(compared(whole, candidate, beyond) for beyond in ((), rest)[: 1 + bool(rest)])
        found.append(_candidate(model, results, relatives, fits[n], level, len(others), draws, seed))
        progress("shares", n + 1, len(others))
    return ShareReport(
        wording=LATEST,
        child=models[0],
        candidates=tuple(found),
        level=level,
        permutations=draws,
        seed=seed,
        unexplained=unexplained(whole, others),
        software=software("safetensors", "pydantic"),
        created=stamp,
    ).sealed()


def _changes(under: Location, places: Sequence[Location], seed: int, progress: Progress) -> ChangesOfBase:
    """What a child, the first, holds of the candidates' changes of a base."""
    check_weights(under, "the numbers that changes are made of")
    root = opened(under)
    child, *candidates = (opened(place, under) for place in places)
    found = measure(root, child, candidates, seed, progress)
    _check_of_base(root, (child, *candidates), found)
    return changes_of(root, found)


def _check_of_base(base: Opened, models: Sequence[Opened], found: Found) -> None:
    """Refuse models that are not made from a base, and candidates that are one.

    Raises
    ------
    InputError
        If a model's matrices are far from the base's, or two candidates hold the same numbers.
    """
    for model, cosine, sizes in zip(models, found.cosines, found.near[1:].T, strict=True):
        if not sizes.all():
            raise InputError(
                f"{model.name} has no matrix in common with {base.name}, by name and shape, of which both hold "
                "finite numbers other than zero; give the base that child and candidates were made from, or leave "
                "it out."
            )
        if not cosine >= FARTHEST:
            raise InputError(
                f"{model.name} does not look like a model made from {base.name}: the cosine of their matrices is "
                f"{cosine:.3f}; give the base that child and candidates were made from, or leave it out."
            )
    seen: dict[str, str] = {}
    for model, sha256 in zip(models[1:], found.sha256[2:], strict=True):
        if sha256 in seen:
            raise InputError(f"The candidate {model.name} holds the same numbers as {seen[sha256]}; give each once.")
        seen[sha256] = model.name


def _opened(location: Location, under: Location | None) -> Checkpoint:
    """The weights of a model; an adapter is merged onto a base that is given for all.

    Raises
    ------
    InputError
        If a fingerprint is given, or an adapter without a base.
    """
    check_weights(location, "the lengths of rows that shares are made of")
    checkpoint = open_checkpoint(location)
    if under is not None and is_alone(checkpoint.architecture):
        checkpoint = open_checkpoint(on_base(location, under))
    if is_alone(checkpoint.architecture):
        raise InputError(
            f"{checkpoint.name} is an adapter without its base, and shares are of whole models; give the merged "
            "model, or from Python a Location with its base."
        )
    return checkpoint


def _check_alike(opened: Sequence[Checkpoint]) -> None:
    first = opened[0]
    for other in opened[1:]:
        if other.architecture.width != first.architecture.width:
            raise InputError(
                f"{other.name} is of width {other.architecture.width}, and {first.name} of "
                f"{first.architecture.width}; a share is of rows of one length, so leave it out."
            )


def draws_needed(level: float, candidates: int, layers: int) -> int:
    """Permutations, enough to exclude a share in one layer of one candidate at half of a simultaneous level.

    Parameters
    ----------
    level : the simultaneous level of the intervals.
    candidates : their number.
    layers : of the child.
    """
    return max(DRAWS, ceil(2 * candidates * max(layers, len(PARTS)) / (1 - level)))


def _model(checkpoint: Checkpoint, rows: Rows) -> ShareModel:
    return ShareModel(
        name=checkpoint.name,
        origin=checkpoint.origin,
        revision=checkpoint.revision,
        merged_onto=checkpoint.merged_onto,
        declared_bases=checkpoint.declared_bases,
        architecture=checkpoint.architecture,
        rows_sha256=rows.sha256,
        bytes_read=rows.bytes_read,
        non_finite=rows.non_finite,
    )


def _related(candidates: Sequence[Rows], seed: int) -> list[set[int]]:
    """For each candidate, those that its order says something about, in its layers or its tables of tokens."""
    found: list[set[int]] = [set() for _ in candidates]
    for a, b in permutations(range(len(candidates)), 2):
        drawn = compared(candidates[a], candidates[b], ()).drawn(DRAWS, seed)
        tables = [one for place, one in drawn.items() if place.part == "embeddings"]
        inside = [one for place, one in drawn.items() if place.part != "embeddings"]
        if any(some and share_of(reduce(add, some), 0.99).p <= _RELATED for some in (inside, tables)):
            found[a].add(b)
            found[b].add(a)
    return found


def _candidate(
    model: ShareModel,
    results: tuple[Compared, ...],
    relatives: tuple[int, ...],
    fitted: float | None,
    level: float,
    candidates: int,
    draws: int,
    seed: int,
) -> CandidateShare:
    """What is said of a candidate, from its comparison by itself and, with others, beyond these."""
    result = results[-1]
    if relatives:
        return CandidateShare(model=model, relatives=relatives, fit=fitted)
    sums, units = [one.drawn(draws, seed) for one in results], result.units

    def estimate(wanted: Callable[[Place], bool], statements: int) -> Estimate | None:
        places = [place for place in sums[-1] if wanted(place)]
        if not places:
            return None
        at = 1 - (1 - level) / (candidates * statements * len(results))
        found = [share_of(reduce(add, (one[place] for place in places)), at) for one in sums]
        return _estimate(found, sum(units[place] for place in places))

    of_parts = {part: estimate(lambda place: place.part == part, len(PARTS)) for part in PARTS}  # noqa: B023
    of_layers = [
        estimate(lambda place: place.part != "embeddings" and place.layer == layer, len(result.layers))  # noqa: B023
        for layer in range(len(result.layers))
    ]
    return CandidateShare(
        model=model,
        ordered=result.ordered,
        whole=estimate(lambda place: place.part != "embeddings", 1),
        parts=tuple(PartShare(part=part, share=found) for part, found in of_parts.items() if found is not None),
        layers=tuple(
            LayerShare(layer=layer, of=of, chosen=chosen, share=found)
            for layer, (of, chosen, found) in enumerate(zip(result.layers, result.chosen, of_layers, strict=True))
        ),
        fit=fitted,
    )


def _estimate(found: Sequence[Share], units: int) -> Estimate:
    """The share beyond other candidates, if the candidate by itself has one; else the share by itself.

    A stranger of the child may be no stranger of the child and another candidate together: one that was made from the
    child and a little of the stranger. So no share is found unless there is one by itself, too.
    """
    alone, beyond = found[0], found[-1]
    only = alone.interval.low <= 0 <= alone.interval.high
    kept = alone if only else beyond
    bounded = isfinite(kept.interval.low) and isfinite(kept.interval.high)
    return Estimate(
        estimate=kept.estimate if isfinite(kept.estimate) else None,
        low=kept.interval.low if bounded else None,
        high=kept.interval.high if bounded else None,
        p=max(one.p for one in found),
        alone=only and len(found) > 1,
        units=units,
    )
