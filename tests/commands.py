"""A run of the command line: its status, what it wrote, and how a refusal must read."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.models import child, config, weights, write
from verify.cli import main


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``verify`` in this process."""

    def call(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["verify", *map(str, arguments)])
        try:
            main()
            status: int = 0
        except SystemExit as stop:
            status = int(stop.code or 0)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return call


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A parent, its child, and a stranger."""
    root, c = tmp_path_factory.mktemp("models"), config()
    made = {"parent": weights(0, c), "child": child(weights(0, c), 1), "stranger": weights(2, c)}
    return {name: write(root / name, w, c) for name, w in made.items()}


def check_refused(result: Outcome, says: str, *places: Path) -> None:
    """One line on standard error, status 2, nothing printed and nothing left."""
    assert result.status == 2
    assert result.out == ""
    assert result.err.endswith("\n")
    assert result.err.count("\n") == 1
    assert says in result.err
    assert "Traceback (most recent call last):" not in result.err
    assert result.err.rstrip("\n").isprintable()
    for place in places:
        assert not place.exists()
