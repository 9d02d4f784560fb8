"""Cisco's Model Provenance Kit: ``provenancekit compare``."""

from __future__ import annotations

import json
from math import isnan

from .peer import Answer, Peer

POSITIVE = ("Confirmed Match", "High-Confidence Match")


def read(output: str) -> Answer:
    """Decision and pipeline score; models are ranked by its score of the weights alone.

    Where two configurations are alike, the pipeline score is that of the configurations, whatever the weights.
    """
    scores = json.loads(output[output.index("{") :])["scores"]
    decision, score = scores["provenance_decision"], scores["pipeline_score"]
    if score is None or isnan(score):
        return Answer.none(decision)
    return Answer(f"{decision} {score:.2f}", decision in POSITIVE, scores["identity_score"])


PEER = Peer(
    name="provenance-kit",
    title="Model Provenance Kit",
    source="cisco-ai-provenance-kit 1.0.0 (PyPI; for Python 3.12 and later)",
    rule=f"decision {' or '.join(POSITIVE)} (Score Interpretation in its README, by which equal configurations are a "
    "Confirmed Match whatever the weights); not Weak Match. Its score below is its identity score, of weights alone",
    environment="provenance-kit",
    command=lambda task: task.program("provenancekit", "compare", task.a, task.b, "--json", "--no-cache"),
    read=read,
)
