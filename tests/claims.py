"""A report of every verdict on toys, and names that attack the page they stand on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.models import child, config, weights, write
from tests.reports import CREATED
from verify import ClaimReport, Fingerprint, fingerprint, test_lineage
from verify.statistics import ExactResult


def claim(a: Any, b: Any, **options: Any) -> ClaimReport:
    """A report with a fixed clock."""
    return test_lineage(a, b, **({"created": CREATED} | options))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A parent, its child, and a stranger."""
    root, c = tmp_path_factory.mktemp("models"), config()
    made = {"parent": weights(0, c), "child": child(weights(0, c), 1), "stranger": weights(2, c)}
    return {name: write(root / name, w, c) for name, w in made.items()}


@pytest.fixture(scope="module")
def fingerprints(models: dict[str, Path]) -> dict[str, Fingerprint]:
    """Of the three."""
    return {name: fingerprint(folder) for name, folder in models.items()}


@pytest.fixture(scope="module")
def reports(fingerprints: dict[str, Fingerprint], tmp_path_factory: pytest.TempPathFactory) -> dict[str, ClaimReport]:
    """One report of each verdict that needs no panel."""
    root = tmp_path_factory.mktemp("untestable")
    wide = fingerprint(write(root / "wide", weights(3, config(width=32)), config(width=32), tokens=False))
    parent = fingerprints["parent"]
    return {
        "dependent": claim(fingerprints["child"], parent),
        "no_evidence": claim(fingerprints["stranger"], parent),
        "identical": claim(parent, parent),
        "untestable": claim(wide, parent),
    }


VERDICTS = ["dependent", "no_evidence", "identical", "untestable"]


def result(log10_p: float | None, attainable: float = -100.0) -> ExactResult:
    """A result of which only the p-values matter."""
    applicable = {"log10_p": log10_p, "attainable_log10_p": attainable} if log10_p is not None else {}
    return ExactResult(id="x", version=1, applicable=log10_p is not None, **applicable)


HOSTILE = [
    "$(rm -rf ~)", "`rm`", "``` x", "<script>alert(1)</script>", "<img src=x onerror=y>", "![x](http://y)",
    "[x](javascript:y)", "http://evil.example", "www.evil.example", "<http://evil.example>", "a|b|c", "a\n\n# H",
    "a\r\n- item", "\u202egpj.exe", "\u2066x\u2069", "$x^2$", "&lt;b&gt;", "{{ report }}", "{% raw %}",
    "*a* _b_ ~~c~~", "\x1b[31mred", "\x00", "\\", "x" * 10_000, "a\u2028b", "# h", "1. x", "---", "",
]  # fmt: skip


def renamed(model: Fingerprint, text: str) -> Fingerprint:
    """The same model with a hostile text wherever a record holds one."""
    record = model.record
    files = tuple(file.model_copy(update={"name": text}) for file in record.files)
    shape = record.architecture.model_copy(update={"family": text, "model_type": text})
    update = {"name": text, "files": files, "architecture": shape, "unrecognised": (text,)}
    return Fingerprint(record.model_copy(update=update), model.arrays)
