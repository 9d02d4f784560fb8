"""Progress of long work: what is reported, and what a notebook shows of it."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

import verify
from tests.claims import claim
from tests.test_own_similarity import MINE
from verify.base import progress as module
from verify.base.progress import in_notebook
from verify.data import model

interactive = pytest.importorskip("IPython.core.interactiveshell")
displaypub = pytest.importorskip("IPython.core.displaypub")


class Steps:
    """All steps that were reported, by the work."""

    def __init__(self) -> None:
        self.seen: dict[str, list[tuple[int, int]]] = defaultdict(list)

    def __call__(self, what: str, done: int, total: int) -> None:
        self.seen[what].append((done, total))


def test_every_work_ends_with_its_last_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps do not decrease, and the last is the number in all; else a bar would stay."""
    monkeypatch.setenv("VERIFY_CACHE", str(tmp_path / "cache"))
    steps = Steps()
    pair = model("stranger-1"), model("reference")
    report = claim(*pair, panel="default", statistics=[MINE], progress=steps)
    verify.replay(report, *pair, panel="default", progress=steps)
    verify.screen([*pair, model("fine-tuned")], progress=steps)
    verify.fingerprint(model("gpt2-reference"), progress=steps)
    assert len(steps.seen) > 5
    for what, seen in steps.seen.items():
        assert seen[-1][0] == seen[-1][1], what
        assert all(0 <= done <= total for done, total in seen), what


@pytest.mark.parametrize("function", [verify.test_lineage, verify.screen, verify.fingerprint, verify.replay])
def test_functions_that_take_long_show_bars_in_a_notebook(function: Any) -> None:
    assert signature(function).parameters["progress"].default is in_notebook


def test_a_script_shows_nothing_and_loads_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does a terminal in which IPython runs, which has no kernel."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    in_notebook("work", 1, 2)
    assert "IPython" not in sys.modules
    monkeypatch.undo()
    monkeypatch.setattr("IPython.get_ipython", lambda: interactive.InteractiveShell)
    in_notebook("work", 1, 2)
    assert capsys.readouterr() == ("", "")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell with a kernel, whose displays are kept, and a clock that stands still."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)  # of another environment, about which it would warn
    made = interactive.InteractiveShell.instance()
    made.display_pub, before = displaypub.CapturingDisplayPublisher(), made.display_pub
    made.execution_count = 1
    monkeypatch.setattr(made, "kernel", object(), raising=False)
    monkeypatch.setattr(module, "_shown", module._Bars())
    clock = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: clock[0])
    made.clock = clock
    yield made
    made.display_pub = before
    interactive.InteractiveShell.clear_instance()


def displays(shell: Any) -> list[tuple[bool, str]]:
    """Whether each display changed an earlier one, and its text."""
    return [(output["update"], output["data"]["text/plain"]) for output in shell.display_pub.outputs]


def test_short_work_shows_no_bar(shell: Any) -> None:
    for done in (1, 2):
        in_notebook("work", done, 2)
    shell.clock[0] = 0.6
    in_notebook("work", 3, 3)
    assert displays(shell) == []


def test_long_work_shows_one_display_that_ends_empty(shell: Any) -> None:
    """Also where one function does several works; changes come at most ten times a second."""
    in_notebook("reading", 1, 4)
    shell.clock[0] = 0.6
    in_notebook("reading", 2, 4)
    in_notebook("reading", 3, 4)
    shell.clock[0] = 0.75
    in_notebook("comparing", 1, 2)
    in_notebook("reading", 4, 4)
    shell.clock[0] = 0.9
    in_notebook("comparing", 2, 2)
    assert displays(shell) == [
        (False, "reading: 2 of 4"),
        (True, "reading: 3 of 4\ncomparing: 1 of 2"),
        (True, ""),
    ]
    assert shell.display_pub.outputs[-1]["data"]["text/html"] == ""


def test_work_that_failed_leaves_its_bar_under_its_cell(shell: Any) -> None:
    """The next cell has a display of its own."""
    in_notebook("reading", 1, 4)
    shell.clock[0] = 0.6
    in_notebook("reading", 2, 4)
    shell.execution_count = 2
    in_notebook("other", 1, 4)
    shell.clock[0] = 1.3
    in_notebook("other", 2, 4)
    assert displays(shell) == [(False, "reading: 2 of 4"), (False, "other: 2 of 4")]


def test_a_name_is_inert_in_a_bar(shell: Any) -> None:
    in_notebook("<b>\n" + "x" * 1000, 1, 4)
    shell.clock[0] = 0.6
    in_notebook("<b>\n" + "x" * 1000, 2, 4)
    html = shell.display_pub.outputs[-1]["data"]["text/html"]
    assert html.count("<") == html.count(">") == 4
    assert html.startswith('<label style="display: block">&lt;b&gt;')
    assert len(html) < 400
    assert html.endswith('<progress value="2" max="4"></progress></label>')
