"""How much of one model another has kept, in one number that orders pairs whose p-values are all as small as possible.

For each exact test that compared something, the share that it counted is taken above chance: ``(share - chance) / (1
- chance)``, and 0 below, where chance is the bound on the expected share of fixed points, L/n, or 1/2 for signs; and
times the median cosine of the units identified, where the test has one. Closeness is the mean over the tests. It is
an effect size, estimated from the rows that were read: no p-value or verdict uses it, and it says nothing of who
derives from whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .record import KeptMost
from .second_stage import Outcome

Tests = Mapping[str, Outcome | None]


def closeness(tests: Tests) -> float | None:
    """Mean of what was kept beyond chance; None if nothing was compared."""
    kept = [value for outcome in tests.values() if (value := beyond_chance(outcome)) is not None]
    return sum(kept) / len(kept) if kept else None


def beyond_chance(outcome: Outcome | None) -> float | None:
    """What one test found kept beyond chance, from 0 to 1; None if it compared nothing."""
    if outcome is None or outcome.effect is None:
        return None
    placed = next((count for count in outcome.counts if count.law == "fixed_points" and count.n), None)
    chance = 0.5 if placed is None else placed.groups / placed.n
    if chance >= 1:
        return None
    cosine = outcome.effect.cosine_identified
    return max(0.0, (outcome.effect.share - chance) / (1 - chance)) * (1.0 if cosine is None else max(0.0, cosine))


def kept_most(tests: Tests, found: Iterable[str]) -> KeptMost | None:
    """Of the tests that reject, the first of those that found most; None if none has an effect size."""
    values = {name: value for name in found if (value := beyond_chance(tests.get(name))) is not None}
    if not values:
        return None
    best = max(values, key=values.__getitem__)
    outcome = tests[best]
    assert outcome is not None
    assert outcome.effect is not None
    return KeptMost(test=best, share=outcome.effect.share, cosine=outcome.effect.cosine_identified)
