"""The second stage: all exact tests on the pairs that passed the first, each pair once for all screens of a folder.

A result holds counts and p-values of two models alone. What depends on the number of models (adjusted p-values, the
share that a test could have detected) follows from it in ``screen.conclude``. No p-value is taken from what was kept:
each is computed from its counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import Field, TypeAdapter, field_validator, model_validator

from ..base import Record, VerifyError, Workers, run_in_order
from ..fingerprint import Fingerprint, difference, nothing_differs
from ..fingerprint.given import at_one_effort
from ..inference import bonferroni_min
from ..lineage import exact_results
from ..statistics import EXACT_TESTS
from ..statistics.evidence import recounted
from ..statistics.result import Count, EffectSize
from .kept import Kept
from .models import Prepared

_KIND = "second"
_BATCH = 8  # pairs of one task


class Outcome(Record):
    """Result of one exact test that applies."""

    counts: tuple[Count, ...] = Field(min_length=1)
    effect: EffectSize | None

    @field_validator("counts")
    @classmethod
    def _recounted(cls, counts: tuple[Count, ...]) -> tuple[Count, ...]:
        return tuple(recounted(count) for count in counts)

    @property
    def log10_p(self) -> float:
        """log10 p of all counts (Bonferroni)."""
        return bonferroni_min([count.log10_p for count in self.counts])


class Tested(Record):
    """Result of the second stage for one pair."""

    tests: dict[str, Outcome | None]
    """By test; None if it does not apply. Of every exact test, but where the pair could not be tested."""
    failure: str | None = None
    nothing_differs: bool = False
    """Whether all rows read agree, by the digests stated and the numbers held."""

    @property
    def log10_p(self) -> float | None:
        """log10 p of all tests that apply (Bonferroni), as a claim combines them; None if none does."""
        values = [outcome.log10_p for outcome in self.tests.values() if outcome is not None]
        return bonferroni_min(values) if values else None

    @model_validator(mode="after")
    def _of_every_test(self) -> Tested:
        if list(self.tests) != ([test.id for test in EXACT_TESTS] if self.failure is None else []):
            raise ValueError(f"has the tests {list(self.tests)}; give every exact test, or none and why")
        return self


class Pair(NamedTuple):
    """Two models, A first."""

    a: Prepared
    b: Prepared

    @property
    def name(self) -> str:
        """By which a result is kept."""
        return f"{self.a.sha256} {self.b.sha256}"


def test_pairs(
    pairs: Sequence[Pair], kept: Kept, workers: Workers, progress: Callable[[int, int], None]
) -> list[Tested]:
    """Results of pairs in their order; those that are kept are read, the others are tested.

    Parameters
    ----------
    pairs : the pairs.
    kept : results of earlier screens, to which new ones are added as they come.
    workers : as in :func:`verify.base.run_in_order`.
    progress : called with pairs done and pairs in all.
    """
    found = {name: one for stored in kept.all(_KIND, _restored) for name, one in stored.items()}
    missing = list({pair.name: pair for pair in pairs if pair.name not in found}.values())
    batches = [missing[at : at + _BATCH] for at in range(0, len(missing), _BATCH)]
    tasks = [[(str(pair.a.file), str(pair.b.file)) for pair in batch] for batch in batches]
    progress(0, len(missing))
    done = 0
    for batch, results in zip(batches, run_in_order(_tested_batch, tasks, workers), strict=True):
        new = {pair.name: result for pair, result in zip(batch, results, strict=True)}
        kept.put(_KIND, {name: result.model_dump(mode="json") for name, result in new.items()})
        found |= new
        done += len(batch)
        progress(done, len(missing))
    return [found[pair.name] for pair in pairs]


def _restored(stored: Any) -> dict[str, Tested]:
    return TypeAdapter(dict[str, Tested]).validate_python(stored)


def _tested_batch(pairs: list[tuple[str, str]]) -> list[Tested]:
    """Run all exact tests on some pairs of fingerprint files."""
    return [_tested(_loaded(a), _loaded(b)) for a, b in pairs]


def _tested(a: Fingerprint, b: Fingerprint) -> Tested:
    try:
        found = exact_results(*at_one_effort(a, b))
    except VerifyError as error:
        return Tested(tests={}, failure=str(error))
    return Tested(
        tests={
            result.id: None if result.log10_p is None else Outcome(counts=result.counts, effect=result.effect)
            for result in found
        },
        nothing_differs=nothing_differs(a.record, b.record) and not difference(a.arrays, b.arrays),
    )


@lru_cache(maxsize=2)
def _loaded(file: str) -> Fingerprint:
    return Fingerprint.load(file)
