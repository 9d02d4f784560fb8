"""AWM (Zeng et al., arXiv 2510.06738): its ``main.py``."""

from __future__ import annotations

import re

from .peer import Answer, Peer


def read(output: str) -> Answer:
    """Its absolute z-score."""
    found = re.search(r"Absolute Z-Score vs negative pairs = ([\d.]+)", output)
    if not found:
        return Answer.none("no score")
    return Answer(f"z {found[1]}", None, float(found[1]))


PEER = Peer(
    name="awm",
    title="AWM",
    source="github.com/LUMIA-Group/AWM",
    rule="none published: its README prints absolute z-scores, and compares them by ROC curves",
    environment="torch",
    checkout=True,
    threshold=False,
    command=lambda task: task.python(task.place and task.place / "main.py", "--model_paths", task.a, task.b),
    read=read,
)
