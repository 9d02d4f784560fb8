"""Many models that never existed, with relatives among them, and the result of comparing all pairs."""

from __future__ import annotations

import shutil
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.models import child, config, weights, write
from tests.strategies import EXACT, architecture, fingerprint_of, random_arrays
from verify import Fingerprint
from verify.checkpoint import Architecture
from verify.screen import Edge, ScreenRecord, ScreenResult, screen
from verify.screen.families import families
from verify.screen.record import FirstStage, KeptMost, LeftOut, ScreenedModel

Arrays = dict[str, np.ndarray]
SHAPE = architecture(layers=6, kv_heads=4)


class Breaking(Executor):
    """Runs some tasks, then is broken."""

    def __init__(self, tasks: int) -> None:
        self.left = tasks

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        future: Future[object] = Future()
        self.left -= 1
        if self.left < 0:
            future.set_exception(BrokenExecutor())
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def named(name: str, arrays: Arrays, shape: Architecture) -> Fingerprint:
    """A fingerprint of the components that the exact tests look at."""
    return fingerprint_of(arrays, shape, name=name, components=EXACT)


def changed(arrays: Arrays, rng: np.random.Generator, *fresh: str, noise: float = 0.2) -> Arrays:
    """A child's vectors: near the parent's, but new where the name begins or ends so."""
    return {
        k: rng.standard_normal(v.shape)
        if k.startswith(fresh) or k.endswith(fresh)
        else v + noise * rng.standard_normal(v.shape)
        for k, v in arrays.items()
    }


@pytest.fixture(scope="module")
def family() -> list[Fingerprint]:
    """Eight strangers, and a parent with children of several kinds."""
    rng = np.random.default_rng(0)
    parent = random_arrays(rng, SHAPE)
    children = {
        "parent": parent,
        "child-fine-tuned": changed(parent, rng),
        "child-mlp-replaced": changed(parent, rng, "units", ".mlp"),
        "child-embeddings": changed(parent, rng, "units", "values", "response"),
        "child-rotated": changed(parent, rng, "units", "values", "stream"),
    }
    strangers = {f"stranger-{n}": random_arrays(rng, SHAPE) for n in range(8)}
    return [named(name, arrays, SHAPE) for name, arrays in (children | strangers).items()]


def edges(result: ScreenResult) -> dict[tuple[str, str], Edge]:
    return {(e.a, e.b): e for f in result.families for e in f.edges}


def edge(a: str, b: str, closeness: float | None = 0.9, *, declared: bool = False) -> Edge:
    """A related pair; of exact copies if there is no closeness."""
    one, other = sorted((a, b))
    return Edge(
        a=one,
        b=other,
        verdict="identical" if closeness is None else "dependent",
        kind="",
        adjusted_log10_p=None if closeness is None else -40.0,
        declared=declared,
        closeness=closeness,
        kept=None if closeness is None else KeptMost(test="unit_identity", share=closeness),
    )


def record_of(names: list[str], found: list[Edge], left_out: dict[str, str] | None = None) -> ScreenRecord:
    """The record of a screen of models that never existed, in which these pairs were found."""
    pairs = len(names) * (len(names) - 1) // 2
    return ScreenRecord(
        models=tuple(
            ScreenedModel(
                label=name,
                fingerprint_sha256="0" * 64,
                content_sha256="1" * 64,
                architecture="llama",
                layers=4,
                width=64,
            )
            for name in names
        ),
        left_out=tuple(LeftOut(name=name, reason=reason) for name, reason in (left_out or {}).items()),
        against=None,
        alpha=1e-3,
        fdr=0.01,
        pairs=pairs,
        identical=sum(one.verdict == "identical" for one in found),
        untestable=(),
        first_stage=FirstStage(level=0.01, tested=pairs, passed=len(found), power=()),
        families=families(found, all_pairs=True),
        suspected=(),
        statements=("A statement.",),
        software={"verify-lineage": "0.1"},
    )


@pytest.fixture(scope="module")
def found(family: list[Fingerprint]) -> ScreenResult:
    return screen(family)


@pytest.fixture(scope="module")
def weights_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights: A, its exact copy under another name of its file, A written anew, a child, and a stranger."""
    root, c = tmp_path_factory.mktemp("weights"), config()
    held = weights(0, c)
    write(root / "A", held, c)
    shutil.copytree(root / "A", root / "copy")
    (root / "copy" / "model.safetensors").rename(root / "copy" / "other.safetensors")
    shutil.copytree(root / "A", root / "anew")
    stored = load_file(root / "A" / "model.safetensors")
    save_file(stored, root / "anew" / "model.safetensors", metadata={"by": "another writer"})
    write(root / "child", child(held, 1), c)
    write(root / "stranger", weights(2, c), c)
    return root
