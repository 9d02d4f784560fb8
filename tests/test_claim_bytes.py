"""The bytes of a claim report betray any change."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests import claims
from tests.claims import VERDICTS, result
from verify import ClaimReport, ReportError
from verify.claim import canonical, digest
from verify.claim.evidence import EvidenceLine

fingerprints, models, reports = claims.fingerprints, claims.models, claims.reports


def one_sentence(error: Exception) -> None:
    """A message is a single printable line."""
    assert str(error).isprintable()


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_report_comes_back_as_it_was(tmp_path: Path, reports: dict[str, ClaimReport], verdict: str) -> None:
    """From text and from a file; written again it is the same bytes, which are canonical JSON."""
    report, path = reports[verdict], tmp_path / "sub" / "report.json"
    text = report.to_json(path)
    assert path.read_bytes() == text.encode() + b"\n"
    for read in (ClaimReport.from_json(text), ClaimReport.from_json(path), ClaimReport.from_json(str(path))):
        assert read == report
        assert read.to_json() == text
        assert read.to_markdown() == report.to_markdown()
    assert canonical(json.loads(text)) == text.encode()
    assert report.is_intact()


def test_the_digest_is_of_everything_but_itself(reports: dict[str, ClaimReport]) -> None:
    """As the page tells a reader to check it."""
    report = reports["dependent"]
    content = json.loads(report.to_json())
    assert report.digest == digest({k: v for k, v in content.items() if k != "digest"})
    assert re.fullmatch("sha256:[0-9a-f]{64}", report.digest)
    assert report.digest in report.to_markdown()
    assert report.digest in report.citation.bibtex
    assert report.digest in report.citation.text


def test_layout_is_not_content(reports: dict[str, ClaimReport]) -> None:
    """Indented, or with keys in another order, it is the same report."""
    content = json.loads(reports["dependent"].to_json())
    turned = dict(reversed(content.items()))
    assert ClaimReport.from_json(json.dumps(turned, indent=2)) == reports["dependent"]


@given(st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_flipped_byte_is_noticed(tmp_path: Path, reports: dict[str, ClaimReport], data: st.DataObject) -> None:
    """At any position of any report: it is refused, unless a number's last digits say the same number."""
    report = reports[data.draw(st.sampled_from(VERDICTS))]
    content = bytearray(report.to_json().encode())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
    path = tmp_path / "report.json"
    path.write_bytes(content)
    try:
        read = ClaimReport.from_json(path)
    except ReportError as error:
        one_sentence(error)
        return
    assert read.to_json() == report.to_json()
    assert chr(content[at]) in "0123456789"


@pytest.mark.parametrize(("where", "text"), [("digest", "sha256:0"), ("verdict", "dependent"), ("created", "2020")])
def test_no_text_can_be_exchanged(reports: dict[str, ClaimReport], where: str, text: str) -> None:
    """Not even the digest."""
    content = json.loads(reports["no_evidence"].to_json()) | {where: text}
    with pytest.raises(ReportError, match="altered"):
        ClaimReport.from_json(json.dumps(content))


def resealed(content: dict[str, Any]) -> str:
    """The text with a digest that fits."""
    return json.dumps(content | {"digest": digest(content, without=("digest",))})


@pytest.mark.parametrize(
    "change",
    [{"searched": 0}, {"schema_version": True}, {"schema_version": 1}, {"schema_version": 3}, {"surprise": 1},
     {"verdict": "guilty"}, {"evidence": {}}, {"wording": 0}, {"finding": "A was copied."}, {"created": 5}],
)  # fmt: skip
def test_a_digest_that_fits_is_not_enough(reports: dict[str, ClaimReport], change: dict[str, Any]) -> None:
    """Whoever changes a report can compute its digest; what is no report of this schema is refused all the same."""
    with pytest.raises(ReportError):
        ClaimReport.from_json(resealed(json.loads(reports["dependent"].to_json()) | change))


@pytest.mark.parametrize(
    "text",
    ["{}", '{"a": NaN}', "{", '{"a": 1, "a": 1}', '{"a":' * 5000, '{"a": ' + "9" * 5000 + "}", '{"\\ud800": 1}',
     '{"alpha": 1e999}'],
)  # fmt: skip
def test_what_is_no_report_is_refused_in_one_sentence(text: str) -> None:
    """Whatever JSON can say."""
    with pytest.raises(ReportError) as caught:
        ClaimReport.from_json(text)
    assert str(caught.value).isprintable()


def test_a_key_given_twice_is_refused(reports: dict[str, ClaimReport]) -> None:
    """Readers differ on which of the two counts."""
    text = reports["no_evidence"].to_json()
    with pytest.raises(ReportError, match="twice"):
        ClaimReport.from_json('{"verdict":"dependent",' + text[1:])


@pytest.mark.parametrize("field", ["non_finite", "bytes_read"])
def test_integers_that_json_cannot_hold_are_refused(reports: dict[str, ClaimReport], field: str) -> None:
    """Beyond 2**53 readers differ."""
    text = reports["dependent"].to_json()
    changed = re.sub(rf'"{field}":\d+', f'"{field}":{2**60}', text)
    assert changed != text
    with pytest.raises(ReportError):
        ClaimReport.from_json(changed)


def test_files_that_are_no_report(tmp_path: Path) -> None:
    """Absent, a folder, bytes, or not a path at all."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "absent", tmp_path, tmp_path / "bytes", "nul\0", "x" * 5000):
        with pytest.raises(ReportError) as caught:
            ClaimReport.from_json(path)
        assert str(tmp_path) not in str(caught.value)
        assert str(caught.value).isprintable()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_are_finite(reports: dict[str, ClaimReport], value: float) -> None:
    """A p-value of zero cannot be written, and neither can anything that JSON lacks."""
    report = reports["dependent"]
    with pytest.raises(ValidationError):
        ClaimReport.model_validate(report.model_dump() | {"robust_log10_p": value})
    for where in ("log10_p", "alpha", "attainable_log10_p"):
        with pytest.raises(ValidationError):
            EvidenceLine.model_validate(report.evidence[0].model_dump() | {where: value})
    with pytest.raises(ValidationError):
        result(value)
    with pytest.raises(ValueError, match=r"[Ff]loat|JSON|nan|inf"):
        canonical({"x": value})


def test_a_report_cannot_be_changed(reports: dict[str, ClaimReport]) -> None:
    """Neither its fields nor its tests."""
    report = reports["dependent"]
    with pytest.raises(ValidationError):
        report.verdict = "no_evidence"
    with pytest.raises(TypeError):
        report.tests["unit_identity"] = report.tests["value_identity"]  # type: ignore[index]
