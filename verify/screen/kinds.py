"""The kind of a related pair: the exact tests that reject, and the power of the others.

A kind describes results, never causes: a shared seed, shared pretrained embeddings, a merge and further training look
alike to every test. For a test that does not reject, its power is stated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..statistics import EXACT_TESTS

IDENTICAL = "identical weights"
NOTHING_DIFFERS = "no difference in what was read"


@dataclass(frozen=True)
class Kind:
    """The exact tests of a pair that reject at a level, and the others."""

    found: tuple[str, ...]
    not_detected: dict[str, float | None]
    """By test, the smallest share for 95% power; None if no share suffices."""
    not_comparable: tuple[str, ...]
    """Tests that do not apply."""

    @property
    def words(self) -> str:
        """In one line."""
        missed = [f"{named(name)} ({_power(share)})" for name, share in self.not_detected.items()]
        parts = {
            "found": map(named, self.found),
            "not detected": missed,
            "not comparable": map(named, self.not_comparable),
        }
        listed = {what: ", ".join(names) for what, names in parts.items()}
        return "; ".join(f"{what}: {names}" for what, names in listed.items() if names)


def kind(tests: Mapping[str, float | None], detectable: Mapping[str, float | None], log10_alpha: float) -> Kind:
    """Classify the tests of a related pair.

    Parameters
    ----------
    tests : log10 p by test id; None if the test does not apply.
    detectable : by test id, the smallest share of indices (for signs: of agreement) for 95% power at the level.
    log10_alpha : log10 of the level of each test; the smallest p-value always counts as a rejection, since the pair
        was found by it.
    """
    values = {name: value for name, value in tests.items() if value is not None}
    limit = max(log10_alpha, min(values.values()))
    return Kind(
        found=tuple(name for name, value in values.items() if value <= limit),
        not_detected={name: detectable.get(name) for name, value in values.items() if value > limit},
        not_comparable=tuple(name for name in tests if name not in values),
    )


def named(test: str) -> str:
    """What a test compares, in words."""
    return next((one.compares for one in EXACT_TESTS if one.id == test and one.compares), test)


def _power(share: float | None) -> str:
    return "no share would have been" if share is None else f"would have been from share {share:.3f} on"
