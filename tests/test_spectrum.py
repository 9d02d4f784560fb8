"""Singular values of wide circuits: near those of a dense decomposition, whatever the basis of the stream."""

from __future__ import annotations

import numpy as np
import pytest

from verify.fingerprint.circuits import _DENSE, spectrum

WIDTH, COUNT = 640, 32


def circuits(kind: str, between: int = WIDTH, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray]:
    """Two float32 matrices [between, width] of one kind of spectrum."""
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((2, between, width), dtype=np.float32)
    if kind == "decaying":
        left, right = (x * np.float32(1 + np.arange(width)) ** -0.5 for x in (left, right))
    if kind == "shared heads":
        right = np.repeat(right[: between // 4], 4, axis=0)
    if kind == "low rank":
        left = left @ rng.standard_normal((width, 10)) @ rng.standard_normal((10, width))
    if kind == "one value":
        left = right = np.linalg.qr(left)[0]
    if kind == "tiny":
        left, right = left * np.float32(1e-30), right * np.float32(1e-30)
    if kind == "zero":
        left = left * 0
    return left.astype(np.float32), right.astype(np.float32)


def dense(left: np.ndarray, right: np.ndarray, count: int = COUNT) -> np.ndarray:
    values = np.linalg.svd(left.astype(np.float64).T @ right.astype(np.float64), compute_uv=False)[:count]
    return values / values[0] if values[0] > 0 else values


KINDS = ["flat", "decaying", "shared heads", "low rank", "one value", "tiny", "zero"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("between", [128, WIDTH])
def test_wide_spectra_are_those_of_a_dense_decomposition(kind: str, between: int) -> None:
    """Flat ones too, where nothing separates the values kept from the rest."""
    left, right = circuits(kind, between)
    np.testing.assert_allclose(spectrum(left, right, COUNT), dense(left, right), atol=1e-5)


@pytest.mark.parametrize("kind", ["flat", "decaying"])
def test_wide_spectra_do_not_see_a_rotation(kind: str) -> None:
    """Although the block that the iteration starts from is fixed."""
    left, right = circuits(kind)
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((WIDTH, WIDTH)))[0]
    np.testing.assert_allclose(
        spectrum(left @ rotation, right @ rotation, COUNT), spectrum(left, right, COUNT), atol=1e-5
    )


def test_precision_of_the_input_does_not_show() -> None:
    """And two runs give the same bytes."""
    left, right = circuits("decaying")
    found = spectrum(left, right, COUNT)
    np.testing.assert_array_equal(found, spectrum(left.copy(), right.copy(), COUNT))
    np.testing.assert_allclose(found, spectrum(left.astype(np.float64), right.astype(np.float64), COUNT), atol=1e-6)


def test_an_entry_that_is_no_number_leaves_zeros() -> None:
    """In any width."""
    for width in (8, WIDTH):
        left, right = circuits("flat", 16, width)
        left[3, 4] = np.nan
        assert not spectrum(left, right, COUNT).any()


def test_narrow_spectra_are_dense_in_float64() -> None:
    """From float32 matrices as from float64 ones."""
    left, right = circuits("flat", 64, _DENSE)
    expected = dense(left, right).astype(np.float32)
    np.testing.assert_array_equal(spectrum(left, right, COUNT), expected)
    np.testing.assert_array_equal(spectrum(left.astype(np.float64), right.astype(np.float64), COUNT), expected)
