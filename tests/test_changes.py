"""Every change that keeps a network's function keeps it, for every family; changes that look alike do not."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file

from benchmarks.zoo.build import SHAPES, configuration
from benchmarks.zoo.changes import ALL, CHANGES, changed
from benchmarks.zoo.changes.broken import CONTROLS
from benchmarks.zoo.changes.roles import roles, stored
from benchmarks.zoo.changes.tokens import UNUSED
from benchmarks.zoo.config import Config
from tests.checkpoints import Array
from tests.forward import logits
from verify.data import model

TRAINED = Config(family="llama", layers=4, width=64, hidden=176, heads=4, kv_heads=2)
TEXT = np.frombuffer(b"def mean(values): return sum(values) / len(values)", np.uint8)
USED = [token for token in range(256) if token not in UNUSED]
ARCHITECTURES = tuple(SHAPES["architecture"])


@pytest.fixture(scope="module")
def trained() -> dict[str, Array]:
    return load_file(model("reference") / "model.safetensors")


def difference(changed_logits: Array, before: Array) -> float:
    """Largest difference of the logits of tokens that texts use."""
    return float(np.abs(changed_logits - before)[..., USED].max())


@pytest.mark.parametrize("name", [name for name, change in CHANGES.items() if change.applies(TRAINED)])
def test_a_change_keeps_the_function_of_a_trained_llama(name: str, trained: dict[str, Array]) -> None:
    """And changes its tensors."""
    after = changed(trained, TRAINED, np.random.default_rng(0), name)
    assert any(not np.array_equal(after[key], trained[key]) for key in trained)
    assert after.keys() == trained.keys()
    assert difference(logits(after, TRAINED, TEXT), logits(trained, TRAINED, TEXT)) < 1e-5


def test_all_changes_at_once_keep_the_function_of_a_trained_llama(trained: dict[str, Array]) -> None:
    """Whatever their order; single precision loses a little each time."""
    names = [name for name in ALL if CHANGES[name].applies(TRAINED)]
    for seed, order in enumerate((names, names[::-1])):
        after = changed(trained, TRAINED, np.random.default_rng(seed), *order)
        assert difference(logits(after, TRAINED, TEXT), logits(trained, TRAINED, TEXT)) < 1e-4


@pytest.mark.parametrize("name", [name for name, (_, _, applies) in CONTROLS.items() if applies(TRAINED)])
def test_a_change_that_looks_alike_does_not(name: str, trained: dict[str, Array]) -> None:
    found = roles(trained, TRAINED)
    CONTROLS[name][1](found, TRAINED, np.random.default_rng(0))
    assert difference(logits(stored(found, TRAINED), TRAINED, TEXT), logits(trained, TRAINED, TEXT)) > 1e-2


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_roles_give_back_the_tensors(architecture: str) -> None:
    """To the bit, so a change touches what it says alone."""
    c, w = of_random_weights(architecture)
    back = stored(roles(w, c), c)
    assert back.keys() == w.keys()
    assert all(np.array_equal(back[name], w[name]) for name in w)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_change_keeps_the_function_of_every_family_it_applies_to(architecture: str) -> None:
    c, w = of_random_weights(architecture)
    before = of_family(w, c)
    for name, change in CHANGES.items():
        if change.applies(c):
            after = of_family(change(w, c, np.random.default_rng(1)), c)
            assert difference(after, before) < 1e-5, name
        else:
            with pytest.raises(ValueError, match="would change the function"):
                change(w, c, np.random.default_rng(1))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_change_that_looks_alike_changes_the_function_of_every_family(architecture: str) -> None:
    c, w = of_random_weights(architecture)
    before = of_family(w, c)
    for name, (_, do, applies) in CONTROLS.items():
        if applies(c):
            found = roles(w, c)
            do(found, c, np.random.default_rng(1))
            assert difference(of_family(stored(found, c), c), before) > 1e-2, name


def of_random_weights(architecture: str) -> tuple[Config, dict[str, Array]]:
    """A tiny network, its weights large enough for attention to matter, biases and gains at random."""
    pytest.importorskip("torch")
    from benchmarks.zoo.networks import initial

    c, rng = configuration({"architecture": architecture}, "tiny"), np.random.default_rng(0)
    w = {name: x.numpy() for name, x in initial(c, 0).items()}
    for name, x in w.items():
        w[name] = (10 * x if x.std() else x + 0.3 * rng.standard_normal(x.shape)).astype(np.float32)
    return c, w


def of_family(w: dict[str, Array], c: Config) -> Array:
    """Logits of a short text, in double precision."""
    import torch

    from benchmarks.zoo.networks import logits

    tensors = {name: torch.from_numpy(x.astype(np.float64)) for name, x in w.items()}
    return logits(tensors, c, torch.from_numpy(TEXT[: c.context].astype(np.int64))[None]).numpy()
