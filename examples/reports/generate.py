"""Example reports: one of each kind of answer, on models that ship with the library.

``python -m examples.reports.generate`` writes ``examples/reports/<pair>/report.{json,md,tex,html}``. Their clock is
fixed, so they change only when the library, or a version of what it computes with, does;
``tests/test_example_reports.py`` keeps them in step.
"""

from __future__ import annotations

import json
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from verify import ClaimReport, test_lineage
from verify.base import write_atomically
from verify.data import model
from verify.render import FORMATS

HERE = Path(__file__).parent
CREATED = "2026-01-31T12:00:00+00:00"
WRITTEN = ("json", "md", "tex", "html")


class Pair(NamedTuple):
    """Two shipped models, and what their report says."""

    a: str
    b: str
    verdict: str
    options: dict[str, Any] = {}  # noqa: RUF012 - never changed
    model_type: str | None = None
    """What both configurations declare, if they are not left as they are."""


PAIRS = {
    "related": Pair("continued-3x", "reference", "dependent"),
    "unrelated": Pair("stranger-1", "reference", "no_evidence"),
    # re-ordered and rotated: found by what this leaves
    "obfuscated": Pair("obfuscated", "reference", "dependent"),
    # changed in every way
    "obfuscated-all": Pair(
        "obfuscated-all", "reference", "similar_beyond_panel", {"panel": "default", "corpus": "zoo-code"}
    ),
    # of a type nobody knows the symmetries of, with different kinds of MLP: every test refuses
    "untestable": Pair("gpt2-stranger", "reference", "untestable", model_type="in-house"),
    "shared-seed": Pair("same-seed", "reference", "dependent"),
}


def report(pair: Pair) -> ClaimReport:
    """The report of a pair."""
    with TemporaryDirectory() as folder:
        models = [model(name) for name in (pair.a, pair.b)]
        if pair.model_type is not None:
            models = [_declared(one, Path(folder) / f"{pair.model_type}-{one.name}", pair) for one in models]
        return test_lineage(*models, created=CREATED, **pair.options)


def _declared(source: Path, copy: Path, pair: Pair) -> Path:
    """A copy of a model that declares another type."""
    shutil.copytree(source, copy)
    config = json.loads((copy / "config.json").read_text("utf-8")) | {"model_type": pair.model_type}
    (copy / "config.json").write_text(json.dumps(config), "utf-8")
    return copy


def generate(folder: Path) -> None:
    """Write the reports of all pairs."""
    for name, pair in PAIRS.items():
        made = report(pair)
        if made.verdict != pair.verdict:
            raise SystemExit(f"{name}: the verdict is {made.verdict}, where {pair.verdict} was expected.")
        for kind in WRITTEN:
            write_atomically(folder / name / f"report.{kind}", FORMATS[kind](made))


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit("python -m examples.reports.generate takes no arguments.")
    if find_spec("matplotlib") is None:
        sys.exit('The reports have figures, which need matplotlib: pip install "verify-lineage[report]".')
    generate(HERE)
    sys.stdout.write("".join(f"{HERE.name}/{name}: {pair.verdict}\n" for name, pair in PAIRS.items()))
