"""A caller's own similarity: one that fails, or is not symmetric, is refused, and never ranked."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from .. import statistics
from ..base import InputError, StatisticsError, options
from ..fingerprint import Fingerprint


def own_similarities(given: Collection[statistics.Similarity]) -> tuple[statistics.Similarity, ...]:
    """Check similarities of the caller, before any is computed.

    Raises
    ------
    InputError
        If one is no Similarity, or has the id of another or of a test of the library.
    """
    if not isinstance(given, Collection) or isinstance(given, str | bytes | dict):
        options.refuse("statistics", given, "a list of similarities")
    if not given:
        return ()
    taken = {test.id for test in statistics.EXACT_TESTS} | {one.id for one in statistics.PANEL_STATISTICS}
    for one in given:
        if not isinstance(one, statistics.Similarity):
            options.refuse("one of statistics", one, "a verify.statistics.Similarity")
        if one.id in taken:
            raise InputError(f"The id {one.id!r:.80} of one of statistics is taken; give another.")
        taken.add(one.id)
    return tuple(given)


def guarded(similarity: statistics.Similarity) -> statistics.Similarity:
    """The same similarity, checked at every use.

    Ranks rest on one score for a pair, whichever model comes first: an asymmetric score of A and B would not be
    exchangeable with the others.
    """

    def call(function: Callable[[Fingerprint, Fingerprint], Any], a: Fingerprint, b: Fingerprint) -> Any:
        try:
            return function(a, b)
        except StatisticsError:  # it has no score, which is a reason and no failure
            raise
        except Exception as error:
            raise InputError(
                f"The statistic {similarity.id!r:.80} failed ({error!r:.160}); mend it, or leave it out."
            ) from error

    def score(a: Fingerprint, b: Fingerprint) -> float:
        there, back = (call(similarity.score, *pair) for pair in ((a, b), (b, a)))
        if there != back and (there == there or back == back):  # both NaN is a missing score
            raise InputError(
                f"The statistic {similarity.id!r:.80} gives {there!r:.30} for two models and {back!r:.30} the other "
                "way; give one that is exactly symmetric."
            )
        return float(there)

    return replace(similarity, refuse=lambda a, b: call(similarity.refuse, a, b), score=score)
