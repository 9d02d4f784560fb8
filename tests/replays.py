"""Reports of every kind on shipped models, and what a replay says of them."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.reports import CREATED
from verify import ClaimReport, ReportError, test_lineage
from verify.cli import main
from verify.data import model
from verify.replay.agreement import Replay
from verify.replay.check import check

PAIRS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "stranger": ("stranger-1", "reference", {}),
    "less effort": ("fine-tuned", "reference", {"effort": "screen"}),
    "searched": ("stranger-2", "reference", {"searched": 50, "alpha": 0.01, "chronology": "B came first"}),
    "child": ("continued-3x", "reference", {}),
    "experts": ("moe-fine", "reference", {}),
    "fewer tests": ("gpt2-stranger", "reference", {}),
    "layer norm": ("gpt2-fine-tuned", "gpt2-reference", {}),
    "fewer layers": ("depth-pruned-healed", "reference", {}),
    "itself": ("reference", "reference", {}),
    "panel": ("obfuscated-all", "reference", {"panel": "default", "corpus": "zoo-code"}),
}


@cache
def made(name: str) -> ClaimReport:
    """A report on shipped models."""
    a, b, options = PAIRS[name]
    return test_lineage(model(a), model(b), created=CREATED, **options)


def text(name: str) -> bytes:
    """Its file."""
    return made(name).to_json().encode() + b"\n"


def outcome(source: bytes) -> Replay | ReportError:
    """What a check says, or why it refuses."""
    try:
        return check(source)
    except ReportError as error:
        return error


def caught(source: bytes) -> bool:
    """Whether anything is found wrong, by name."""
    found = outcome(source)
    if isinstance(found, ReportError):
        assert str(found).isprintable()
        return True
    assert found.agrees == (not found.disagreements)
    assert all(item.field.startswith("$") and item.tolerance for item in found.disagreements)
    return not found.agrees


class Run:
    """``verify`` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        self.monkeypatch.setattr(sys, "argv", ["verify", *map(str, arguments)])
        try:
            main()
            status = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        return (status, *self.capsys.readouterr())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)
