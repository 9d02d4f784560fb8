"""Models as they are given: weights or fingerprints, made into two fingerprints that can be compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..base import FingerprintError, InputError, Progress, Workers, silent
from ..checkpoint import Location, is_alone
from .build import made_for
from .copies import may_be_copies, with_file_digests
from .file import is_fingerprint
from .layout import components
from .record import Fingerprint
from .sketch import EFFORTS, Effort

Model = str | os.PathLike[str] | Location | Fingerprint


def check_model(name: str, model: Model) -> None:
    """Refuse an argument that is no model, before anything is read.

    Raises
    ------
    InputError
        If it is no path, address, Location or Fingerprint; the message names the argument.
    """
    if not isinstance(model, Fingerprint):
        Location.of(model, name)


def are_weights(*models: Model) -> bool:
    """Whether all models are given as weights, none as a fingerprint."""
    return all(_weights(model) is not None for model in models)


def check_weights(location: Location, lacks: str) -> None:
    """Refuse a fingerprint where weights are needed.

    Parameters
    ----------
    location : of the model.
    lacks : what a fingerprint does not hold, for the message.

    Raises
    ------
    InputError
        If it is a fingerprint.
    """
    if is_fingerprint(Path(location.address)):
        raise InputError(
            f"{Path(location.address).name!r:.120} is a fingerprint, which does not hold {lacks}; give the model's "
            "weights."
        )


def made(model: Model, effort: Effort | None, workers: Workers, progress: Progress, *, panels: bool) -> Fingerprint:
    """The fingerprint of a model; one that is given as a fingerprint is taken as it is.

    Parameters
    ----------
    model : as given.
    effort : at which weights are read; None for the default.
    workers : processes that read weights, or an executor.
    progress : called while weights are read.
    panels : whether the components that only panels read are made.
    """
    if isinstance(model, Fingerprint):
        return model
    return made_for(model, effort, workers=workers, progress=progress, panels=panels)


@contextmanager
def of_side(side: str) -> Iterator[None]:
    """Refusals of a model say which of the two it is.

    Parameters
    ----------
    side : ``"A"`` or ``"B"``.
    """
    try:
        yield
    except InputError as error:
        raise type(error)(f"Model {side}: {error}") from error


def by_one_tokenizer(
    models: tuple[Model, Model],
    read: tuple[Fingerprint, Fingerprint],
    read_again: Callable[[Location, int], Fingerprint],
) -> tuple[Fingerprint, Fingerprint]:
    """Two fingerprints; one of a model without a tokenizer is made again with the tokenizer of the other.

    This happens only if both token tables have the same number of rows and both models are given as weights, since a
    fingerprint does not tell the rows of its tokens. ``verify.fingerprint.anchors`` shows that the tests stay exact.

    Parameters
    ----------
    models : A and B as given.
    read : their fingerprints.
    read_again : makes the fingerprint of model 0 or 1 again, from a location that names a tokenizer.

    Returns
    -------
    tuple
        Both fingerprints.
    """
    found = list(read)
    for side, other in ((0, 1), (1, 0)):
        mine, theirs = read[side].record, read[other].record
        model, lender = (_weights(models[which]) for which in (side, other))
        alike = mine.architecture.vocab == theirs.architecture.vocab
        lacks = (mine.pairing, theirs.pairing) == ("rows", "tokens")
        if alike and lacks and model is not None and lender is not None:
            found[side] = read_again(replace(model, tokenizer=lender.of_tokenizer or lender), side)
    return found[0], found[1]


def check_alike(a: Fingerprint, b: Fingerprint) -> None:
    """Refuse an adapter without its base beside a model that is none.

    Raises
    ------
    FingerprintError
        If one is, and the other is not.
    """
    alone = [model.record.name for model in (a, b) if is_alone(model.record.architecture)]
    if len(alone) == 1:
        other = next(model.record.name for model in (a, b) if not is_alone(model.record.architecture))
        raise FingerprintError(
            f"{alone[0]} is an adapter, not a whole model, and {other} is none; give the path or address of the "
            f"model that {alone[0]} was trained on as its base (--base, or --base-a and --base-b)."
        )


def at_one_effort(a: Fingerprint, b: Fingerprint, *, effort: Effort | None = None) -> tuple[Fingerprint, Fingerprint]:
    """Two fingerprints cut to one effort, the one given, else the smaller of theirs; and to the older sketch.

    Parameters
    ----------
    a, b : the fingerprints.
    effort : the effort to compare at; None for the smaller of theirs.

    Returns
    -------
    tuple
        Both fingerprints at that effort.

    Raises
    ------
    FingerprintError
        If one was made at a smaller effort, or under another sketch.
    """
    efforts = sorted((model.record.effort for model in (a, b)), key=EFFORTS.index)
    version = min(model.record.sketch.version for model in (a, b))
    first, second = (model.at(effort or efforts[0]).at_sketch(version) for model in (a, b))
    if first.record.sketch != second.record.sketch:
        raise FingerprintError(
            f"The fingerprints of {a.record.name} and {b.record.name} were made under different sketches "
            f"({first.record.sketch} and {second.record.sketch}); make them again with one specification."
        )
    return first, second


def told_apart(
    models: tuple[Fingerprint, Fingerprint], sources: tuple[Model, Model], progress: Progress = silent
) -> tuple[Fingerprint, Fingerprint]:
    """Two fingerprints; with the digests of their files if not all was read and nothing read differs.

    Parameters
    ----------
    models : the fingerprints.
    sources : the models they were made from; files are read only of local weights.
    progress : called while files are read.
    """
    if not may_be_copies(*models):
        return models
    first, second = (
        model
        if isinstance(source, Fingerprint) or is_fingerprint(Path(Location.of(source).address))
        else with_file_digests(model, Location.of(source), progress)
        for model, source in zip(models, sources, strict=True)
    )
    return first, second


def check_whole(model: Fingerprint) -> None:
    """Refuse a fingerprint that lacks what the tests read.

    Raises
    ------
    FingerprintError
        If it was cut down for a panel.
    """
    expected = components(model.record.sketch, model.record.effort)
    if missing := sorted(set(expected).difference(model.record.components)):
        raise FingerprintError(
            f"The fingerprint of {model.record.name} was cut down for a panel and lacks {', '.join(missing)}; "
            "make it again from the weights."
        )


def _weights(model: Model) -> Location | None:
    """Location of a model's weights; None for a fingerprint."""
    if isinstance(model, Fingerprint):
        return None
    location = Location.of(model)
    return None if is_fingerprint(Path(location.address)) else location
