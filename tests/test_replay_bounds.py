"""The time of a replay grows with the length of a report, whatever list is long and whoever wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.replays import made
from verify import ClaimReport, replay
from verify.claim.change import Left, ModuleChange, Moved, concluded
from verify.replay.agreement import Coverage, Unchecked


def with_modules(count: int) -> ClaimReport:
    """A report on an adapter that changes so many tensors."""
    report = made("child")
    counts = Moved(moved=100, equal=100, within=0, unmoved=0, elsewhere=0)
    modules = [ModuleChange(name=f"layer {n}", dtype="float32", entries=100, once=counts) for n in range(count)]
    left = Left(tensors=0, alike=0, entries=0, same=0, not_compared=0, differing=())
    subject = report.a.model_copy(update={"merged_onto": "base"})
    return report.model_copy(update={"a": subject, "change": concluded("a", modules, left)}).sealed()


def test_patterns_are_matched_once_for_all_items_of_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """96,000 modules of a report of 19 MB took more than a minute when each path was held against each kind."""
    asked: list[str] = []
    covers = Unchecked.covers
    monkeypatch.setattr(Unchecked, "covers", lambda kind, field: asked.append(field) or covers(kind, field))
    numbers = []
    for count in (3, 300):
        asked.clear()
        assert replay(with_modules(count)).status == "arithmetic_agrees"
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]


KINDS = (
    "$.change.modules[*",
    "$.a.*",
    "$.evidence[3]*",
    "$.evidence[exact].results[*].counts[*].n",
    "$.b.files[*",
    "$.c",
)
PATHS = st.sampled_from(
    (
        "$.change.modules[{}].name",
        "$.a.x[{}]",
        "$.evidence[{}].alpha",
        "$.b.files",
        "$.b.files[{}].name",
        "$.evidence[exact].results[unit].counts[{}].n",
        "$.c",
        "$.d[{}]",
        "$.evidence[3].x[{}]",
    )
)


@given(st.lists(PATHS, max_size=9), st.lists(st.integers(0, 9), min_size=9, max_size=9))
def test_coverage_is_what_each_kind_covers(paths: list[str], numbers: list[int]) -> None:
    kinds = [Unchecked(field=field, reason="") for field in KINDS]
    coverage = Coverage(kinds)
    for path, n in zip(paths, numbers, strict=False):
        field = path.format(n)
        assert sorted(coverage.of(field)) == [k for k, kind in enumerate(kinds) if kind.covers(field)]
