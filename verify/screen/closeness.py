"""How much of one model another has kept, in one number that orders pairs whose p-values are all as small.

For each exact test that compared something, the share that it counted is taken above chance: ``(share - chance) / (1
- chance)``, and 0 below, where chance is the bound on the expected share of fixed points, L/n, or 1/2 for signs; and
times the median cosine of the units identified, where the test has one. Closeness is the mean over the tests, times
the layers of the shallower model over those of the deeper: layers that only one of them has were not kept. It is an
effect size, estimated from the rows that were read: no p-value or verdict uses it, and it says nothing of who
derives from whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..statistics.result import Count
from .record import Edge, KeptMost
from .second_stage import Outcome

Tests = Mapping[str, Outcome | None]


def closeness(tests: Tests, layers: tuple[int, int]) -> float | None:
    """Mean of what was kept beyond chance, of the deeper model's layers; None if nothing was compared.

    Parameters
    ----------
    tests : results by test.
    layers : number of layers of each model.
    """
    kept = [value for outcome in tests.values() if (value := beyond_chance(outcome)) is not None]
    return min(layers) / max(layers) * sum(kept) / len(kept) if kept else None


def beyond_chance(outcome: Outcome | None) -> float | None:
    """What one test found kept beyond chance, from 0 to 1; None if it compared nothing."""
    share = _share_beyond_chance(outcome)
    if share is None or outcome is None or outcome.effect is None or outcome.effect.cosine_identified is None:
        return share
    return share * max(0.0, outcome.effect.cosine_identified)


def kept_most(tests: Tests, found: Iterable[str]) -> KeptMost | None:
    """Of the tests that reject, the one with the largest share beyond chance: of indices, or else of signs.

    Parameters
    ----------
    tests : results by test.
    found : the tests that reject.

    Returns
    -------
    KeptMost or None
        The first of the largest; None if no test has an effect size.
    """
    shares = {name: share for name in found if (share := _share_beyond_chance(tests.get(name))) is not None}
    if not shares:
        return None
    best = max(shares, key=lambda name: (_of_places(tests[name]) is not None, shares[name]))
    outcome = tests[best]
    assert outcome is not None
    assert outcome.effect is not None
    return KeptMost(test=best, share=outcome.effect.share, cosine=outcome.effect.cosine_identified)


def nearness(edge: Edge) -> tuple[bool, float, str, str]:
    """What related pairs are ordered by: exact copies first, then the closest, then by name."""
    return edge.verdict != "identical", -(edge.closeness or 0.0), edge.a, edge.b


def _share_beyond_chance(outcome: Outcome | None) -> float | None:
    if outcome is None or outcome.effect is None:
        return None
    places = _of_places(outcome)
    chance = 0.5 if places is None else places.groups / places.n
    return None if chance >= 1 else max(0.0, (outcome.effect.share - chance) / (1 - chance))


def _of_places(outcome: Outcome | None) -> Count | None:
    """The count of indices at their place that an effect size is of; None if it is of signs."""
    counts = () if outcome is None else outcome.counts
    return next((count for count in counts if count.law == "fixed_points" and count.n), None)
