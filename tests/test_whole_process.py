"""The benchmarks of whole runs: what they write and what they measure."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

import verify
from benchmarks import curves, model_tracing, whole_process
from benchmarks.process import forget, measured
from benchmarks.shapes import SHAPES, Shape, write
from verify.statistics.matching import fixed_points

TINY = Shape("tiny", "qwen2", layers=2, width=64, heads=4, kv_heads=2, hidden=96, vocab=300)


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("shapes")
    return {
        "parent": write(TINY, folder / "parent", seed=1),
        "child": write(TINY, folder / "child", seed=1, child=2),
        "stranger": write(TINY, folder / "stranger", seed=3),
    }


def test_random_checkpoints_are_read_whole_and_related_as_they_say(family: dict[str, Path]) -> None:
    prints = {name: verify.fingerprint(path) for name, path in family.items()}
    record = prints["parent"].record
    assert len(record.anchors) == record.sketch.anchors
    assert (record.architecture.layers, record.architecture.kv_heads, record.architecture.hidden) == (2, 2, 96)
    assert (record.unrecognised, record.outside, record.non_finite) == ((), (), 0)
    assert verify.test_lineage(prints["child"], prints["parent"]).verdict == "dependent"
    assert verify.test_lineage(prints["stranger"], prints["parent"]).verdict == "no_evidence"


def test_sizes_are_those_of_the_files(family: dict[str, Path]) -> None:
    stored = sum(path.stat().st_size for path in family["parent"].glob("*.safetensors"))
    headers = sum(
        8 + int.from_bytes(path.read_bytes()[:8], "little") for path in family["parent"].glob("*.safetensors")
    )
    assert stored - headers == TINY.bytes()
    assert SHAPES["7B"].bytes() == 2 * 6_738_415_616  # Llama-2-7B


def test_a_run_is_measured(family: dict[str, Path]) -> None:
    forget(family["parent"])
    code = "x = bytearray(b'1') * (64 << 20); import time; time.sleep(.1); print(len(x))"
    run = measured([sys.executable, "-c", code])
    assert run.output == f"{64 << 20}\n"
    assert run.anonymous >= 64 << 20
    assert run.resident >= 64 << 20
    assert run.cpu > 0
    assert run.wall >= 0.1
    with pytest.raises(RuntimeError, match=r"ended with 7.*no more"):
        measured([sys.executable, "-c", "import sys; sys.stderr.write('no more'); sys.exit(7)"])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 9), st.sampled_from(["none", "noise", "copy"]))
def test_all_units_are_counted_as_the_library_counts_them(seed: int, n: int, rows: int, repeated: str) -> None:
    """In blocks of rows, ties dropped: repeated rows are no matches."""
    rng = np.random.default_rng(seed)
    a, b, _ = model_tracing.pair(rng, n, 5)
    if repeated != "none":
        b[: n // 2] = a[0] + (1e-5 * b[: n // 2] if repeated == "noise" else 0)
    x, y = model_tracing._directions(a), model_tracing._directions(b)
    assert model_tracing.fixed_units(x, y, rows) == fixed_points((x @ y.T).astype(np.float64)).sum()


@settings(deadline=None)
@given(st.permutations(range(30)))
def test_the_published_correlation_and_tail_are_those_of_scipy(order: list[int]) -> None:
    found = spearmanr(order, np.arange(30), alternative="greater")
    rho = model_tracing.spearman(np.array(order))
    assert rho == pytest.approx(found.statistic, abs=1e-12)
    if rho < 1:
        assert model_tracing.log10_t_tail(rho, 30) == pytest.approx(np.log10(found.pvalue), abs=1e-9)


def test_the_published_test_finds_a_copy_and_not_a_stranger() -> None:
    a, b = (np.random.default_rng(seed).standard_normal((300, 20), dtype=np.float32) for seed in (1, 2))
    assert model_tracing.phi_u(a, a) < -300
    assert model_tracing.phi_u(a, b) > -3


def test_the_line_is_a_line() -> None:
    rows = [
        whole_process.Cost("7B", n, "screen", "warm", 10 + n, 5 + 2 * n, 3 * n, 1 + n, n, 7 * n, 9)
        for n in whole_process.DEPTHS
    ]
    stages = [whole_process.Stage("7B", n, "screen", 0.25 * n * n, 0.5 * n) for n in (*whole_process.DEPTHS, 32)]
    deep = whole_process._line(SHAPES["7B"], "screen", rows, "warm", 32, stages)
    assert (deep.stored, deep.decoded, deep.disk, deep.cpu, deep.anonymous) == (42, 69, 96, 32, 224)
    assert deep.wall == (3 - 1) + (5 - 4 - (3 - 1)) / 2 * 30 + 256  # what remains falls by half a second a layer


def test_an_exponent_is_fitted() -> None:
    curve = curves.Curve("x", "n", [1, 2, 4, 8], [3.0, 12.0, 48.0, 192.0])
    assert curve.exponent == pytest.approx(2)
    assert curve.last == pytest.approx(2)


def test_the_figure_is_drawn(tmp_path: Path) -> None:
    curves.draw(curves.read(), tmp_path / "curves.pdf")
    assert (tmp_path / "curves.pdf").read_bytes().startswith(b"%PDF")
