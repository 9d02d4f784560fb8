"""A record says on which floating-point kernels it was made, and nothing exact in it rests on them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import verify
from tests.kernels import environment, runs
from verify.base import software
from verify.base.versions import blas
from verify.data import model
from verify.replay.agreement import compare
from verify.replay.rerun import WITH_WEIGHTS

REPORT = """
import verify
from verify.data import model
a, b = (verify.fingerprint(model(name)) for name in ("fine-tuned", "reference"))
print(verify.test_lineage(a, b, created="2026-01-31T12:00:00+00:00").to_json())
"""


@pytest.fixture(scope="module")
def elsewhere() -> str:
    """A kernel of every OpenBLAS for x86, other than what it takes by itself on a processor of the last ten years."""
    if runs("Prescott") == blas():
        pytest.skip("numpy's BLAS has one kernel here")
    return "Prescott"


def test_the_kernels_that_run_are_recorded() -> None:
    """In a fingerprint, a report and both of its models: versions, numpy's BLAS and its kernels."""
    fingerprint = verify.fingerprint(model("reference"), effort="screen")
    report = verify.test_lineage(fingerprint, fingerprint)
    for found in (fingerprint.record.software, report.a.software, report.provenance.software):
        assert found["blas"] == blas()
        assert {"numpy", "simd", "verify-lineage"} <= found.keys()
    assert list(found) == sorted(found)
    assert software("scipy").keys() == {"blas", "numpy", "scipy", "simd", "verify-lineage"}


def test_the_kernels_are_those_that_run_and_not_those_of_another_package(elsewhere: str) -> None:
    """Loading scipy, which brings a BLAS of its own, changes nothing; another kernel does."""
    code = "from verify.base.versions import blas, software; x = software(); import scipy.linalg; blas.cache_clear()"
    code += "; assert software() == x; print(x['blas'])"
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment(elsewhere), capture_output=True, text=True, check=True
    ).stdout.strip()
    assert found == runs(elsewhere) != blas()
    assert found.split()[:2] == blas().split()[:2], "the same library"


def test_no_count_digest_or_word_rests_on_the_kernels(elsewhere: str) -> None:
    """A report made under other kernels differs in digits of scores at most, and in what names the kernels."""
    made = subprocess.run(
        [sys.executable, "-c", REPORT], env=environment(elsewhere), capture_output=True, text=True, check=True
    ).stdout
    here = verify.test_lineage(model("fine-tuned"), model("reference"), created="2026-01-31T12:00:00+00:00")
    differing = {item.field for item in compare(json.loads(made), json.loads(here.to_json()), WITH_WEIGHTS)}
    named = {f"$.{part}.software.blas" for part in ("a", "b", "provenance")}
    assert named <= differing
    assert all(field in named or field.startswith(("$.digest", "$.citation.")) for field in differing)
