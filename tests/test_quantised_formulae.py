"""Every quantised matrix decodes to its published formula, by any rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checkpoints import raw_safetensors
from tests.encoders import CONVENTIONS, MODULE, logical
from tests.newer_encoders import NEWER
from tests.newest_encoders import NEWEST
from verify.checkpoint.formats.quantised import dequantised
from verify.checkpoint.formats.safetensors_file import contents
from verify.checkpoint.places.place import LocalFile

ALL = CONVENTIONS | NEWER | NEWEST


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_any_rows_are_those_of_the_published_formula(
    tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """One matrix of the original shape; any rows and columns equal the formula's; bytes are those of the parts."""
    out, size = data.draw(st.sampled_from([(32, 64), (64, 32), (96, 32), (32, 32)]))
    w = np.random.default_rng(data.draw(st.integers(0, 9))).standard_normal((out, size)).astype(np.float32)
    made = ALL[name](w)
    found = logical(tmp_path_factory.mktemp("q"), made)
    assert list(found) == [f"{MODULE}.weight"]
    tensor = found[f"{MODULE}.weight"]
    out, size = made.meant.shape
    assert tensor.shape == (out, size)
    assert tensor.is_out_in
    np.testing.assert_allclose(tensor.read(), made.meant, rtol=1e-6, atol=1e-7)
    rows = data.draw(st.lists(st.integers(0, out - 1), max_size=9, unique=True).map(sorted))
    for chosen in (np.array(rows, np.intp), slice(out // 3, out // 3 + 5), slice(0, 0), slice(1, out, 3)):
        np.testing.assert_array_equal(tensor.read(chosen), tensor.read()[chosen])
        np.testing.assert_array_equal(tensor.read(chosen, slice(2, 9)), tensor.read()[chosen][:, 2:9])
    whole = sum(part.nbytes for part in made.parts.values())
    assert tensor.nbytes() == whole
    assert whole // 2 <= tensor.nbytes(slice(0, out // 2)) <= whole // 2 + 1
    assert sum(map(len, tensor.iter_bytes())) == whole


@pytest.mark.parametrize("name", ["F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"])
def test_every_code_of_eight_bits_is_the_number_that_it_means(tmp_path: Path, name: str) -> None:
    """All 256 codes, by the definition of the exponent and the mantissa."""
    file = tmp_path / "model.safetensors"
    entry = {"dtype": name, "shape": [16, 16], "data_offsets": [0, 256]}
    file.write_bytes(raw_safetensors({"w.weight": entry}, bytes(range(256))))
    found = dequantised(contents(LocalFile(file)).tensors, {})["w.weight"].read()
    bias = {"F8_E4M3": 7, "F8_E5M2": 15, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 16}[name]
    mantissa = 3 if "E4M3" in name else 2
    for code, value in enumerate(found.ravel()):
        sign, low = -1.0 if code >> 7 else 1.0, code & (2**mantissa - 1)
        exponent = code >> mantissa & (2 ** (7 - mantissa) - 1)
        special = code & 127 == 127 if name == "F8_E4M3" else exponent == 31 and name == "F8_E5M2"
        if name.endswith("FNUZ"):
            special = code == 128
        number = (
            2.0 ** (1 - bias) * low if not exponent else 2.0 ** (exponent - bias) * (2**mantissa + low)
        ) / 2**mantissa
        assert not np.isfinite(value) if special else value == sign * number, code
