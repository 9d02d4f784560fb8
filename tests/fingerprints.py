"""A sound fingerprint of a toy, and how a damaged one must be refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from tests.models import config, weights, write
from verify import Fingerprint, FingerprintError, SketchSpec, fingerprint

HEADER = "verify.fingerprint"
SMALL = SketchSpec(units=8, channels=4, projections=4, anchors=40, stream=8, match_units=4, spectrum=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Llama with a tokenizer."""
    return write(tmp_path_factory.mktemp("models") / "llama", weights(0, config()), config())


@pytest.fixture(scope="module")
def sound(folder: Path) -> bytes:
    """The bytes of a fingerprint file of it, under a small sketch."""
    path = folder.parent / "sound.safetensors"
    fingerprint(folder, sketch=SMALL).save(path)
    return path.read_bytes()


def parts(content: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Record and arrays of a fingerprint file."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"][HEADER]), load(content)


def refused(path: Path, content: bytes) -> str:
    """The one sentence with which a fingerprint file is refused."""
    path.write_bytes(content)
    with pytest.raises(FingerprintError) as caught:
        Fingerprint.load(path)
    return one_sentence(caught.value)


def one_sentence(error: Exception) -> str:
    message = str(error)
    assert message.isprintable()
    assert len(message) < 600
    assert "/tmp" not in message
    return message


def written(record: Any, arrays: dict[str, np.ndarray]) -> bytes:
    return save(arrays, metadata={HEADER: record if isinstance(record, str) else json.dumps(record)})
