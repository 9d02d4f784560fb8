"""Zero points are read as they are stored, whatever is declared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.encoders import MODULE, Array, Encoded, awq, gptq, logical, pack_columns
from verify.wording import say


def symmetric_gptq(w: Array, bits: int, stored: str, group: int = 16) -> Encoded:
    """Codes around 2^(bits - 1), which every zero point is; ``stored`` as it is, less one, or as GPTQModel does."""
    out, size = w.shape
    half = 2 ** (bits - 1)
    blocks = w.T.reshape(size // group, group, out)
    scales = (np.abs(blocks).max(1) / (half - 0.5) + 1e-6).astype(np.float16)
    codes = np.clip(np.round(blocks / scales[:, None].astype(np.float32)) + half, 0, 2 * half - 1)
    zeros = np.full((out, size // group), half - (stored == "less one"), np.uint64)
    qzeros = np.ascontiguousarray(pack_columns(zeros, bits).T)
    if stored == "by GPTQModel":
        constant = {3: [0x24924924, 0x92492492, 0x49249249]}.get(bits) or [
            sum(1 << (bits * n) for n in range(32 // bits))
        ]
        taken = np.resize(np.array(constant, np.uint32), qzeros.shape[1])
        qzeros = (qzeros.view(np.uint32) - taken).view(np.int32)
    parts = {
        "qweight": pack_columns(codes.reshape(size, out).astype(np.uint64), bits),
        "qzeros": qzeros,
        "scales": scales,
        "g_idx": (np.arange(size) // group).astype(np.int32),
    }
    meant = (scales.astype(np.float32)[:, None] * (codes - half)).reshape(size, out).T
    said = {"quant_method": "gptq", "bits": bits, "group_size": group, "sym": True}
    return Encoded(parts, {"quantization_config": said}, meant.astype(np.float32))


@pytest.mark.parametrize("form", ["gptq", "gptq_v2"])
@pytest.mark.parametrize("stored", ["as it is", "less one", "by GPTQModel"])
@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("sym", [True, None])
def test_symmetric_zero_points_are_read_as_they_are_stored_whatever_is_declared(
    tmp_path: Path, bits: int, stored: str, form: str, sym: bool | None
) -> None:
    w = np.random.default_rng(bits).standard_normal((64, 64)).astype(np.float32)
    made = symmetric_gptq(w, bits, stored)
    made.config["quantization_config"] |= {"checkpoint_format": form, "sym": sym}
    tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
    np.testing.assert_allclose(tensor.read(), made.meant, rtol=1e-6)
    agrees = (stored == "as it is") == (form == "gptq_v2")
    assert tensor.notes == () if agrees else "as their numbers say" in say(tensor.notes[0])


@pytest.mark.parametrize("bits", [2, 3, 4])
@pytest.mark.parametrize("stored", ["gptq", "gptq_v2"])
@pytest.mark.parametrize("declared", ["gptq", "gptq_v2"])
def test_asymmetric_zero_points_tell_their_convention_by_where_their_middle_lies(
    tmp_path: Path, bits: int, stored: str, declared: str
) -> None:
    """Groups of any skewed numbers: the middle of the least and the largest is what counts, not the mean."""
    rng = np.random.default_rng(bits)
    w = (rng.standard_t(5, (128, 256)) + 0.2 * rng.standard_normal((128, 1))).astype(np.float32)
    made = gptq(w, bits=bits, group=16, form=stored)
    made.config["quantization_config"]["checkpoint_format"] = declared
    tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
    np.testing.assert_allclose(tensor.read(), made.meant, rtol=1e-5, atol=1e-6)
    assert bool(tensor.notes) is (stored != declared)


def test_few_zero_points_and_fine_steps_tell_nothing_and_the_declared_convention_holds(tmp_path: Path) -> None:
    w = np.random.default_rng(0).standard_normal((32, 256)).astype(np.float32)
    for bits, group in ((4, 256), (8, 8)):
        made = gptq(w, bits=bits, group=group, form="gptq_v2")
        made.config["quantization_config"]["checkpoint_format"] = "gptq"
        tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
        scale = made.parts["scales"].astype(np.float32)[made.parts["g_idx"]].T
        np.testing.assert_allclose(tensor.read(), made.meant - scale, rtol=1e-4, atol=1e-5)
        assert tensor.notes == ()


def test_a_zero_of_nought_that_was_stored_less_one_took_it_from_its_neighbour_and_gets_it_back(
    tmp_path: Path,
) -> None:
    """The one is taken from whole words, and added to whole words."""
    w = np.random.default_rng(0).standard_normal((32, 64)).astype(np.float32)
    w[3] = np.abs(w[3])  # its least number is at code 0 where zero itself need not be a code
    made = gptq(w, form="gptq_v2")
    zeros = made.parts["qzeros"].view(np.uint32) & ~np.uint32(0xF000)
    made.parts["qzeros"] = (zeros - np.uint32(0x11111111)).view(np.int32)
    made.config["quantization_config"]["checkpoint_format"] = "gptq"
    tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
    others = [n for n in range(32) if n % 8 != 3]
    np.testing.assert_allclose(tensor.read()[others], made.meant[others], rtol=1e-6)


@pytest.mark.parametrize("less", [0, 1])
@pytest.mark.parametrize("symmetric", [True, False])
def test_zero_points_of_awq_that_another_tool_stored_less_one_are_read_so(
    tmp_path: Path, less: int, symmetric: bool
) -> None:
    rng = np.random.default_rng(4)
    made = awq(rng.standard_normal((128, 256)).astype(np.float32))
    zeros = np.full((32, 128), 8) if symmetric else np.clip(np.round(rng.normal(7.5, 1, (32, 128))), 1, 15)
    order = [0, 2, 4, 6, 1, 3, 5, 7]
    words = np.zeros((32, 16), np.uint32)
    for i in range(8):
        words |= ((zeros[:, order[i] :: 8].astype(np.int64) - less) << (4 * i)).astype(np.uint32)
    before = logical(tmp_path, made)[f"{MODULE}.weight"]
    codes = np.array(before.read(), np.float64) / np.repeat(made.parts["scales"].astype(np.float64), 8, 0).T
    assert before.notes == ()
    made.parts["qzeros"] = words.view(np.int32)
    tensor = logical(tmp_path, made)[f"{MODULE}.weight"]
    steps = tensor.read() / np.repeat(made.parts["scales"].astype(np.float64), 8, 0).T
    whole = np.round(steps + np.repeat(zeros, 8, 0).T)
    assert whole.min() == 0
    assert whole.max() == 15
    assert len(codes) == len(whole)
    assert bool(tensor.notes) is bool(less)


def test_reading_zero_points_does_not_depend_on_the_order_of_units(tmp_path: Path) -> None:
    """Else a null of permuted units would be broken by how one of two models is read."""
    rng = np.random.default_rng(5)
    w = rng.standard_normal((128, 256)).astype(np.float32)
    order = rng.permutation(128)
    for form in ("gptq", "gptq_v2"):
        one, other = gptq(w, bits=3, group=16, form=form), gptq(w[order], bits=3, group=16, form=form)
        for made in (one, other):
            made.config["quantization_config"]["checkpoint_format"] = "gptq"
        plain, moved = (logical(tmp_path, made)[f"{MODULE}.weight"].read() for made in (one, other))
        np.testing.assert_array_equal(plain[order], moved)
