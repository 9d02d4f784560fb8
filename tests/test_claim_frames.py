"""A claim report as a data frame."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tests import claims
from tests.claims import VERDICTS, claim
from verify import ClaimReport, Fingerprint, VerifyError
from verify.base import Phrase
from verify.claim import EvidenceLine
from verify.statistics import ScoreResult

fingerprints, models, reports = claims.fingerprints, claims.models, claims.reports


def test_a_frame_has_a_row_for_each_test(reports: dict[str, ClaimReport]) -> None:
    """By id, with the numbers of the record."""
    pytest.importorskip("pandas")
    frame = reports["dependent"].to_frame()
    assert list(frame.index) == list(reports["dependent"].tests)
    assert frame.loc["unit_identity", "log10_p"] == reports["dependent"].tests["unit_identity"].log10_p


@pytest.mark.parametrize("verdict", VERDICTS)
def test_rows_are_flat(reports: dict[str, ClaimReport], verdict: str) -> None:
    """No cell of either frame holds a container, a record or a phrase; columns are the same whatever was found."""
    pytest.importorskip("pandas")
    report = reports[verdict]
    tests, layers = report.to_frame(), report.to_layer_frame()
    assert list(tests.columns) == list(reports["dependent"].to_frame().columns)
    assert len(layers) == sum(len(result.by_layer) for result in report.exact)
    for frame in (tests, layers):
        for row in frame.itertuples():
            assert all(cell is None or np.isscalar(cell) for cell in row), row


def test_the_layer_frame_has_a_row_for_each_pair_of_layers(reports: dict[str, ClaimReport]) -> None:
    """By test, with the numbers of the record."""
    pytest.importorskip("pandas")
    report = reports["dependent"]
    frame = report.to_layer_frame().set_index(["test", "layer_a", "layer_b"])
    for result in report.exact:
        for row in result.by_layer:
            cell = frame.loc[(result.id, row.layer_a, row.layer_b)]
            assert (cell["count"], cell["n"], cell["log10_p"]) == (row.count, row.n, row.log10_p)


def test_the_frame_names_the_line_of_each_test(fingerprints: dict[str, Fingerprint]) -> None:
    """Also of a line of one's own, whose score stands where a test's count does."""
    pytest.importorskip("pandas")
    result = ScoreResult(id="mine", version=1, applicable=True, log10_p=-1.0, score=0.5, n=9)
    line = EvidenceLine(
        line="own_line",
        asked=Phrase.quoted("Is it mine?"),
        assumes=(),
        alpha=None,
        log10_p=None,
        attainable_log10_p=None,
        results=(result,),
    )
    frame = claim(fingerprints["child"], fingerprints["parent"], own=[lambda *_: line]).to_frame()
    assert (frame.loc["mine", "line"], frame.loc["mine", "statistic"]) == ("own_line", 0.5)
    assert set(frame["line"]) == {"exact", "own_line"}


def test_a_frame_without_pandas_says_what_is_missing(
    reports: dict[str, ClaimReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not everybody has it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(VerifyError, match="needs pandas"):
        reports["dependent"].to_frame()
