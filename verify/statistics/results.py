"""The results of several tests, by id: a mapping that prints as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..base.card import Card
from ..base.display import Tabular, frame
from ..base.plain import plain
from .result import ExactResult, TestResult


class Results(Tabular, Mapping[str, Any]):
    """Results by the test's id, in the order of the report.

    Examples
    --------
    >>> results = Results([ExactResult(id="unit_identity", version=1, applicable=False)])
    >>> list(results), results["unit_identity"].applicable
    (['unit_identity'], False)
    >>> print(results)
    0 of 1 tests apply; p-values are of single tests, before any correction
    unit_identity does not apply
    """

    def __init__(self, results: Iterable[TestResult]) -> None:
        self._by_id = {result.id: result for result in results}

    def __getitem__(self, name: str) -> Any:
        return self._by_id[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __eq__(self, other: object) -> bool:
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self._by_id.values()))

    def __repr__(self) -> str:
        return f"<{len(self)} results: {plain(', '.join(self), 200)}>"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row for each test: its count with the smallest p-value, its effect, and its p-values."""
        return [row(result) for result in self.values()]

    def to_frame(self) -> Any:
        """One row for each test, as a pandas DataFrame indexed by id, one value in each cell.

        Raises
        ------
        VerifyError
            If pandas is not installed.
        """
        return frame(self.to_dicts(), "test")

    def _card(self) -> Card:
        applied = [result for result in self.values() if result.applicable]
        said = f"{len(applied)} of {len(self)} tests apply; p-values are of single tests, before any correction"
        return Card(said, tuple((result.id, result.in_short) for result in self.values()))


def row(result: TestResult) -> dict[str, Any]:
    """A result as a row, the same columns for every kind; of several counts, that with the smallest p-value."""
    found: dict[str, Any] = {
        "test": result.id,
        "applicable": result.applicable,
        "statistic": getattr(result, "score", None),
        "n": None,
        "groups": None,
        "expected": None,
        "effect": None,
        "log10_p": result.log10_p,
        "adjusted_log10_p": result.adjusted_log10_p,
        "attainable_log10_p": result.attainable_log10_p,
        "detectable_share": None,
        "reason": None if result.reason is None else result.reason.code,
    }
    if isinstance(result, ExactResult) and (best := result.best) is not None:
        found |= {
            "statistic": best.count,
            "n": best.n,
            "groups": best.groups,
            "expected": result.expected,
            "effect": None if result.effect is None else result.effect.share,
            "detectable_share": result.detectable_share,
        }
    return found
