"""Matrices that real tools quantised and stored are, to the bit, the tools' own numbers.

``quantised_saved/make.py`` takes them from models that the makers of ``benchmarks/formats`` write.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from verify.checkpoint.formats.quantised import dequantised
from verify.checkpoint.formats.safetensors_file import contents
from verify.checkpoint.places.place import LocalFile

SAVED = Path(__file__).parent / "quantised_saved"
SAID = json.loads((SAVED / "said.json").read_text("utf-8"))


@pytest.mark.parametrize("name", SAID)
def test_a_tool_s_own_file_is_its_own_numbers(name: str) -> None:
    """The digest of all numbers; and any rows are rows of them."""
    found = dequantised(contents(LocalFile(SAVED / f"{name}.safetensors")).tensors, SAID[name]["config"])
    (matrix,) = found.values()
    numbers = np.ascontiguousarray(matrix.read()) + np.float32(0)
    assert hashlib.sha256(numbers.tobytes()).hexdigest() == SAID[name]["sha256"]
    rows = np.array([0, 1, 30, 63], np.intp)
    np.testing.assert_array_equal(matrix.read(rows), numbers[rows])


def test_every_file_is_tested() -> None:
    """None lies there without a digest."""
    assert {path.stem for path in SAVED.glob("*.safetensors")} == set(SAID)
