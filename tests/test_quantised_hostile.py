"""Parts that do not fit are refused in one sentence, whatever is wrong with them, and nothing large is made."""

from __future__ import annotations

import math
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.encoders import CONVENTIONS, Array, Encoded, logical
from tests.newer_encoders import NEWER
from tests.newest_encoders import NEWEST
from verify.base import CheckpointError
from verify.checkpoint.formats.conventions import affine

ALL = CONVENTIONS | NEWER | NEWEST
W = np.random.default_rng(0).standard_normal((32, 64)).astype(np.float32)
TYPES = [np.uint8, np.int8, np.int32, np.uint32, np.int64, np.float16, np.float32]


@st.composite
def spoilt(draw: st.DrawFn, part: Array) -> Array:
    """The part with another type, or another shape, or other numbers."""
    how = draw(st.sampled_from(["type", "numbers", "shorter", "longer", "axes", "turned", "empty"]))
    plain = part.view(np.uint8) if part.dtype.kind == "V" else part
    if how == "type":
        with np.errstate(all="ignore"):
            return plain.astype(np.float32).astype(draw(st.sampled_from(TYPES)))
    if how == "numbers":
        data = draw(st.binary(min_size=part.nbytes, max_size=part.nbytes))
        return np.frombuffer(data, part.dtype).reshape(part.shape)
    if how == "empty" or not part.ndim:
        return np.zeros((0, *part.shape[1:]), part.dtype)
    if how == "axes":
        return part.reshape(draw(st.sampled_from([(-1,), (1, *part.shape), (*part.shape, 1)])))
    if how == "turned":
        return np.ascontiguousarray(part.T)
    axis = draw(st.integers(0, part.ndim - 1))
    size = part.shape[axis]
    places = np.arange(draw(st.integers(1, max(1, size - 1))) if how == "shorter" else 2 * size) % size
    return np.take(part, places, axis)


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
@settings(max_examples=6, deadline=None)
def test_a_part_that_is_spoilt_or_missing_costs_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """No other error, no warning, and no more memory than a multiple of what is stored."""
    made: Encoded = ALL[name](W)
    part = data.draw(st.sampled_from(sorted(made.parts)))
    parts = {other: x for other, x in made.parts.items() if other != part}
    if data.draw(st.booleans()):
        parts[part] = data.draw(spoilt(made.parts[part]))
    stored = sum(x.nbytes for x in parts.values())
    said = "Read."
    tracemalloc.start()
    try:
        for tensor in logical(tmp_path_factory.mktemp("q"), made._replace(parts=parts)).values():
            numbers = tensor.read()
            assert numbers.shape == tensor.shape
            assert math.prod(tensor.shape) <= 16 * stored
            tensor.nbytes(slice(0, 3))
    except CheckpointError as error:
        said = str(error)
    finally:
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 16 << 20
    assert said.endswith(".")
    assert "\n" not in said


def test_settings_of_many_modules_cost_what_their_size_is() -> None:
    """MLX may state bits for each module: modules and settings do not multiply."""
    said = {f"model.layers.{n}.up": {"bits": n} for n in range(20_000)}
    started = time.process_time()
    assert all(affine._own(f"layers.{n}.up", said) == {"bits": n} for n in range(18_500, 20_000))
    assert all(affine._own(f"a.model.layers.{n}.up", said) == {"bits": n} for n in range(18_500, 20_000))
    assert affine._own("model.layers.1.down", said) is said
    assert affine._own("p", {"q.p": {"bits": 1}, "p": {"bits": 2}}) == {"bits": 1}
    assert time.process_time() - started < 4


@pytest.mark.parametrize("mode", [["mxfp8"], {"a": 1}, 4, True])
def test_a_mode_that_is_no_word_is_refused(tmp_path: Path, mode: object) -> None:
    """Whatever type it is of."""
    made: Encoded = ALL["mlx whole nvfp4"](W)
    said = {"quantization": {"group_size": 16, "bits": 4, "mode": mode}}
    with pytest.raises(CheckpointError, match="mode"):
        logical(tmp_path, made, said)
