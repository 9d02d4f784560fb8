"""weightscope: ``weightscope diff``."""

from __future__ import annotations

import re

from .peer import Answer, Peer

POSITIVE = {
    "A and B are bit-identical": "identical",
    "Looks like a LoRA": "lora_like",
    "Looks like a targeted fine-tune": "targeted_fine_tune",
    "Looks like continued pretraining": "continued_pretraining",
    "Looks like full-parameter post-training": "post_training",
}
NEGATIVE = {
    "Looks like a full retrain": "full_retrain",
    "The change pattern doesn't match": "inconclusive",
    "B is not a weight-only update": "architecture_change",
    "No matching tensors": "no tensors match",
}


def read(output: str) -> Answer:
    """The label of its inference."""
    text = re.sub(r"\s+", " ", output)
    label = next((word for start, word in (POSITIVE | NEGATIVE).items() if start in text), None)
    if label is None:
        return Answer.none("no inference")
    return Answer(label, label in POSITIVE.values(), None)


PEER = Peer(
    name="weightscope",
    title="weightscope",
    source="weightscope 0.4.3 (PyPI)",
    rule=f"inference {', '.join(POSITIVE.values())} (its `interpret.py`)",
    environment="torch",
    command=lambda task: task.program("weightscope", "diff", task.b, task.a),
    read=read,
)
