"""Fingerprints that state the weights of another model and hold other numbers: one of the two is not what it states.

Such a pair is tested like any other, and never called identical; the screen says whose statement another contradicts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..base import FingerprintError
from ..fingerprint import Fingerprint, check_same
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
    for model in sorted(models, key=lambda one: (one.prepared.stated, one.label)):  # weights before statements
        for stated in filter(None, model.prepared.weights):
            other = first.setdefault(stated, model) if one is None else first.get(stated, model)
            if not (model.prepared.stated or other.prepared.stated):
                continue
            pair = tuple(sorted((other.label, model.label)))
            if other is model or pair in identical or model.label in found:
                continue
            if (why := _contradicted(other, model)) is not None:
                found[model.label] = Contradiction(a=other.label, b=model.label, reason=why)
    return tuple(found[label] for label in sorted(found))


def _contradicted(a: Labelled, b: Labelled) -> str | None:
    """How the numbers of two models that state the same weights differ; None if they do not."""
    try:
        check_same(*at_one_effort(Fingerprint.load(a.prepared.file), Fingerprint.load(b.prepared.file)))
    except FingerprintError as error:
        return str(error)
    return None
