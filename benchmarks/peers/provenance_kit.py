"""Cisco's Model Provenance Kit: ``provenancekit compare``."""

from __future__ import annotations

import json
from math import isnan

from .peer import Answer, Peer

POSITIVE = ("Confirmed Match", "High-Confidence Match")


def read(output: str) -> Answer:
    """Decision and pipeline score."""
    scores = json.loads(output[output.index("{") :])["scores"]
    decision, score = scores["provenance_decision"], scores["pipeline_score"]
    if score is None or isnan(score):
        return Answer.none(decision)
    return Answer(f"{decision} {score:.2f}", decision in POSITIVE, score)


PEER = Peer(
    name="provenance-kit",
    title="Model Provenance Kit",
    source="cisco-ai-provenance-kit 1.0.0 (PyPI)",
    rule=f"decision {' or '.join(POSITIVE)} (Score Interpretation in its README); not Weak Match",
    environment="provenance-kit",
    command=lambda task: task.program("provenancekit", "compare", task.a, task.b, "--json", "--no-cache"),
    read=read,
)
