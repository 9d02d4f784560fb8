"""A claim report as a data frame."""

from __future__ import annotations

import sys

import pytest

from tests import claims
from verify import ClaimReport, VerifyError

fingerprints, models, reports = claims.fingerprints, claims.models, claims.reports


def test_a_frame_has_a_row_for_each_test(reports: dict[str, ClaimReport]) -> None:
    """By id, with the numbers of the record."""
    pytest.importorskip("pandas")
    frame = reports["dependent"].to_frame()
    assert list(frame.index) == list(reports["dependent"].tests)
    assert frame.loc["unit_identity", "log10_p"] == reports["dependent"].tests["unit_identity"].log10_p


def test_a_frame_without_pandas_says_what_is_missing(
    reports: dict[str, ClaimReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not everybody has it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(VerifyError, match="needs pandas"):
        reports["dependent"].to_frame()
