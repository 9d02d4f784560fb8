"""share: how much of each candidate is in a child, with intervals of known confidence."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import reduce
from itertools import permutations
from math import ceil, isfinite
from operator import add
from pathlib import Path
from typing import Never

from ..base import InputError, Progress, in_notebook, options, software
from ..checkpoint import Checkpoint, Location, open_checkpoint
from ..fingerprint import is_fingerprint
from ..inference import Share, share_of
from ..inference.share_interval import DRAWS
from ..wording import LATEST
from .estimate import Compared, compared, fit, unexplained
from .record import CandidateShare, Estimate, LayerShare, PartShare, ShareModel, ShareReport
from .rows import Part, Place, Rows, read

__all__ = ["CandidateShare", "Estimate", "LayerShare", "PartShare", "ShareModel", "ShareReport", "share"]

MOST_CANDIDATES = 64
MOST_SEED = 2**31 - 1
_RELATED = 1e-3
"""Level at which candidates count as of one origin; a false alarm only withholds an interval."""
_PARTS: tuple[Part, ...] = ("mlp", "attention", "embeddings")


def share(
    child: str | os.PathLike[str] | Location,
    candidates: Collection[str | os.PathLike[str] | Location],
    *,
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
        If an argument is invalid, or a candidate is of another width.
    CheckpointError
        If a model cannot be read.

    Examples
    --------
    >>> from verify.data import model
    >>> report = share(model("fine-tuned"), [model("reference")])
    >>> report.outcome
    'carries_share'
    """
    options.no_others(unknown)
    level, seed = options.fraction("level", level), options.positive("seed", seed, MOST_SEED)
    stamp = options.time("created", created)
    if (
        isinstance(candidates, str | os.PathLike | Location)
        or not isinstance(candidates, Collection)
        or not candidates
    ):
        options.refuse("candidates", candidates, "a list of models")
    if len(candidates) > MOST_CANDIDATES:
        raise InputError(f"{len(candidates)} candidates are given; give at most {MOST_CANDIDATES}.")
    opened = [_opened(Location.of(model)) for model in (child, *candidates)]
    _check_alike(opened)
    rows = [read(checkpoint, progress) for checkpoint in opened]
    models = [_model(checkpoint, found) for checkpoint, found in zip(opened, rows, strict=True)]
    whole, others = rows[0], rows[1:]
    draws = _draws(level, len(others), whole.architecture.layers)
    related = _related(others, seed)
    fits = fit(whole, others)
    found = []
    for n, (model, candidate) in enumerate(zip(models[1:], others, strict=True)):
        rest = [other for k, other in enumerate(others) if k != n]
        relatives = tuple(sorted(k + 1 for k in related[n]))
        result = compared(whole, candidate, rest)
        found.append(_candidate(model, result, relatives, fits[n], level, len(others), draws, seed))
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


def _opened(location: Location) -> Checkpoint:
    """The weights of a model.

    Raises
    ------
    InputError
        If a fingerprint is given.
    """
    if is_fingerprint(Path(location.address)):
        raise InputError(
            f"{Path(location.address).name!r:.120} is a fingerprint, which does not hold the lengths of rows that "
            "shares are made of; give the model's weights."
        )
    return open_checkpoint(location)


def _check_alike(opened: Sequence[Checkpoint]) -> None:
    first = opened[0]
    for other in opened[1:]:
        if other.architecture.width != first.architecture.width:
            raise InputError(
                f"{other.name} is of width {other.architecture.width}, and {first.name} of "
                f"{first.architecture.width}; a share is of rows of one length, so leave it out."
            )


def _draws(level: float, candidates: int, layers: int) -> int:
    """Permutations, enough to exclude a share in one layer of one candidate at a simultaneous level."""
    return max(DRAWS, ceil(candidates * max(layers, len(_PARTS)) / (1 - level)))


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
    )


def _related(candidates: Sequence[Rows], seed: int) -> list[set[int]]:
    """For each candidate, those that its order says something about."""
    found: list[set[int]] = [set() for _ in candidates]
    for a, b in permutations(range(len(candidates)), 2):
        found_of = compared(candidates[a], candidates[b], ()).drawn(DRAWS, seed)
        inside = [one for place, one in found_of.items() if place.part != "embeddings"]
        if inside and share_of(reduce(add, inside), 0.99).p <= _RELATED:
            found[a].add(b)
            found[b].add(a)
    return found


def _candidate(
    model: ShareModel,
    result: Compared,
    relatives: tuple[int, ...],
    fitted: float | None,
    level: float,
    candidates: int,
    draws: int,
    seed: int,
) -> CandidateShare:
    if relatives:
        return CandidateShare(model=model, relatives=relatives, fit=fitted)
    sums, units = result.drawn(draws, seed), result.units

    def estimate(places: Iterable[Place], statements: int) -> Estimate | None:
        chosen = [*places]
        at = 1 - (1 - level) / (candidates * statements)
        return (
            _estimate(share_of(reduce(add, (sums[place] for place in chosen)), at), sum(units[p] for p in chosen))
            if chosen
            else None
        )

    inside = [place for place in sums if place.part != "embeddings"]
    of_parts = {part: estimate((place for place in sums if place.part == part), len(_PARTS)) for part in _PARTS}
    of_layers = [
        estimate((place for place in inside if place.layer == layer), len(result.layers))
        for layer in range(len(result.layers))
    ]
    return CandidateShare(
        model=model,
        whole=estimate(inside, 1),
        parts=tuple(PartShare(part=part, share=found) for part, found in of_parts.items() if found is not None),
        layers=tuple(
            LayerShare(layer=layer, of=of, chosen=chosen, share=found)
            for layer, (of, chosen, found) in enumerate(zip(result.layers, result.chosen, of_layers, strict=True))
        ),
        fit=fitted,
    )


def _estimate(found: Share, units: int) -> Estimate:
    bounded = isfinite(found.interval.low) and isfinite(found.interval.high)
    return Estimate(
        estimate=found.estimate if isfinite(found.estimate) else None,
        low=found.interval.low if bounded else None,
        high=found.interval.high if bounded else None,
        p=found.p,
        units=units,
    )
