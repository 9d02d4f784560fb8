"""Fingerprints that state the weights of another model and hold other numbers.

One of the two is not what it states, or they were made by different tokenizers or configurations. Such a pair is
tested like any other, and never called identical; the screen says so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..base import FingerprintError
from ..fingerprint import Fingerprint, check_same, same_weights
from ..fingerprint.given import at_one_effort
from .models import Labelled
from .record import Contradiction


def contradictions(
    models: Sequence[Labelled], identical: Collection[tuple[str, str]], one: Labelled | None = None
) -> tuple[Contradiction, ...]:
    """Models that state the same weights as an earlier one and hold different numbers, with why.

    Parameters
    ----------
    models : all models. Two that were read here from weights are trusted.
    identical : labels of the pairs that hold the same numbers.
    one : the one model that all others are compared with; None where every two are.

    Returns
    -------
    tuple
        Each model at most once: those of one statement are compared with the first of them, which costs a reading of
        both files only where their numbers differ.
    """
    first = {} if one is None else dict.fromkeys(filter(None, one.prepared.weights), one)
    found: dict[str, Contradiction] = {}
    for model in sorted(models, key=lambda x: (x.prepared.stated, x.label)):  # weights before statements
        for stated in filter(None, model.prepared.weights):
            other = first.setdefault(stated, model) if one is None else first.get(stated, model)
            trusted = not (model.prepared.stated or other.prepared.stated)
            pair = tuple(sorted((other.label, model.label)))
            if other is model or trusted or pair in identical or model.label in found:
                continue
            if not same_weights(other.prepared.weights, model.prepared.weights):  # as files of several parts
                continue
            if (why := _contradicted(other, model)) is not None:
                found[model.label] = Contradiction(a=other.label, b=model.label, reason=why)
    return tuple(found[label] for label in sorted(found))


def _contradicted(a: Labelled, b: Labelled) -> str | None:
    """How the numbers of two models that state the same weights differ; None if they do not."""
    try:
        both = at_one_effort(Fingerprint.load(a.prepared.file), Fingerprint.load(b.prepared.file))
    except FingerprintError:  # under sketches that cannot be compared
        return None
    try:
        check_same(*both)
    except FingerprintError as error:
        return str(error)
    return None
