"""modelDNA: ``modeldna compare``."""

from __future__ import annotations

import json

from .peer import Answer, Peer

POSITIVE = ("EXACT_COPY", "QUANTIZED_COPY", "FINE_TUNE", "SAME_LINEAGE", "LIKELY_MERGE")


def read(output: str) -> Answer:
    """Verdict and probability."""
    verdict = json.loads(output[output.index("{") :])["verdict"]
    word, chance = verdict["verdict"], verdict["probability"]
    if word == "INSUFFICIENT":
        return Answer.none(word)
    said = word if chance is None else f"{word} {chance:.2f}"
    return Answer(said, word in POSITIVE, 0.0 if chance is None else chance)


PEER = Peer(
    name="modeldna",
    title="modelDNA",
    source="modeldna 0.1.0 (PyPI)",
    rule=f"verdict {', '.join(POSITIVE)} (`positive_classes` in its `card.py`); not SAME_FAMILY_UNRESOLVED",
    environment="modeldna",
    command=lambda task: task.program("modeldna", "compare", task.a, task.b, "--json"),
    read=read,
)
