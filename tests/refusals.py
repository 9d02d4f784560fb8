"""How a checkpoint that cannot be used must be refused: in one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from verify.base import CheckpointError
from verify.checkpoint import Checkpoint, open_checkpoint

Q = "model.layers.0.self_attn.q_proj.weight"


def refused(path: Path) -> str:
    """The one sentence with which a checkpoint is refused."""
    with pytest.raises(CheckpointError) as caught:
        read_all(open_checkpoint(path))
    return one_line(caught.value)


def one_line(error: CheckpointError) -> str:
    """The message, which is a single short printable line and gives no absolute path."""
    message = str(error)
    assert message.isprintable()
    assert len(message) < 700
    assert "/tmp" not in message
    return message


def read_all(checkpoint: Checkpoint) -> None:
    """Read every tensor and the vocabulary."""
    for layer in (None, *range(checkpoint.architecture.layers)):
        for key in checkpoint.keys(layer):
            checkpoint.read(*key)
    checkpoint.vocabulary()
