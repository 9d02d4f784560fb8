"""Cisco's Model Provenance Kit: ``provenancekit compare``."""

from __future__ import annotations

import json

from .peer import Answer, Peer

POSITIVE = ("Confirmed Match", "High-Confidence Match")


def read(output: str) -> Answer:
    """Verdict and pipeline score."""
    found = json.loads(output[output.index("{") :])
    return Answer(str(found), None, None)


PEER = Peer(
    name="provenance-kit",
    title="Model Provenance Kit",
    source="cisco-ai-provenance-kit 1.0.0 (PyPI)",
    rule=f"verdict {' or '.join(POSITIVE)} (Score Interpretation in its README); not Weak Match",
    environment="provenance-kit",
    command=lambda task: task.program("provenancekit", "compare", task.a, task.b, "--json", "--no-cache"),
    read=read,
)
