"""REEF (Zhang et al., arXiv 2410.14273), as knowlyr-modelaudit packages it.

The authors' own commands resolve models through a table in the source that users are told to fill in, and expect a
release of transformers whose layers return tuples.
"""

from __future__ import annotations

from .peer import Answer, Peer, Task, last_json

LIMIT = 0.85


def command(task: Task) -> list[str]:
    """What its tool ``compare_models_whitebox`` calls."""
    return task.driver("reef")


def read(output: str) -> Answer:
    """Mean CKA and its verdict."""
    found = last_json(output)
    return Answer(f"CKA {found['similarity']:.3f}", found["is_derived"], found["similarity"])


PEER = Peer(
    name="reef",
    title="REEF",
    source="knowlyr-modelaudit 0.4.1 (PyPI)",
    rule=f"`is_derived`: mean CKA at least {LIMIT} (its `methods/reef.py`)",
    environment="torch",
    command=command,
    read=read,
)
