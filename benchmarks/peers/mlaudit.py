"""Model Lineage Audit: ``mlaudit score``, against what ``mlaudit build-null`` makes of unrelated models."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .peer import Answer, Peer, Task

POSITIVE = ("STRONG EVIDENCE", "MODERATE EVIDENCE")


def build(task: Task, baseline: Sequence[Path]) -> list[str]:
    """Its baseline, from models that no pair holds."""
    models = [folder / "model.safetensors" for folder in baseline]
    return task.python("-m", "mlaudit.cli", "build-null", "--models", *models, "--out", task.prepared, "--quiet")


def command(task: Task) -> list[str]:
    """Its evidence for one pair."""
    a, b = (folder / "model.safetensors" for folder in (task.a, task.b))
    return task.python(
        "-m", "mlaudit.cli", "score", "--model-a", b, "--model-b", a, "--null-dist", task.prepared, "--quiet"
    )


def read(output: str) -> Answer:
    """Verdict; the score is its mean percentile of cosines."""
    verdict = re.search(r"VERDICT: (.*)", output)
    percentile = re.search(r"weighted_mean_cosine_pct: ([\d.]+)", output)
    if not verdict or not percentile:
        return Answer.none("no verdict")
    return Answer(verdict[1].lower(), verdict[1] in POSITIVE, float(percentile[1]))


PEER = Peer(
    name="mlaudit",
    title="mlaudit",
    source="github.com/joannany/model-lineage-audit",
    rule="evidence strong or moderate (its `scoring.py`); not weak",
    environment="torch",
    checkout=True,
    prepare=build,
    command=command,
    read=read,
)
