"""Twins: the design is the one declared, models side by side train as they would alone, and runs resume."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import verify
from benchmarks.zoo import texts
from benchmarks.zoo.corpus import LIMIT, corpus

torch = pytest.importorskip("torch")

from benchmarks.zoo.twins.build import build, build_one, ordered  # noqa: E402
from benchmarks.zoo.twins.design import DESIGN, Recipe, hypercube, recipes, value_at  # noqa: E402
from benchmarks.zoo.twins.folder import load, location  # noqa: E402
from benchmarks.zoo.twins.network import Network, logits, shapes  # noqa: E402
from benchmarks.zoo.twins.optimisers import OPTIMISERS  # noqa: E402
from benchmarks.zoo.twins.train import initial, train  # noqa: E402

DECLARED = tomllib.loads(DESIGN.read_text("utf-8"))
SETS = tuple(DECLARED["sets"])
NETWORK = Network(
    gated=True,
    activation="silu",
    norm="rms",
    post=False,
    width=16,
    layers=2,
    head_size=4,
    heads=4,
    kv_heads=2,
    hidden=24,
    experts=0,
    positions="rotary",
    biases="none",
    tied=False,
    query_key_norm=False,
    context=8,
)
KINDS: dict[str, dict[str, Any]] = {
    "SwiGLU, rotary": {},
    "experts, all biases, ALiBi": {"experts": 4, "biases": "all", "positions": "alibi", "activation": "gelu"},
    "relu squared, after, layer norm": {
        "gated": False,
        "activation": "relu squared",
        "norm": "layer",
        "post": True,
        "biases": "all",
        "positions": "learned",
        "tied": True,
    },
    "relu, norms of q and k, odd width": {
        "gated": False,
        "activation": "relu",
        "width": 10,
        "query_key_norm": True,
        "positions": "none",
        "biases": "qkv",
    },
}
"""Between them, every choice of the design."""


def toy(optimiser: Any = "adamw", **changes: Any) -> Recipe:
    return Recipe(
        name="toy",
        group="toys",
        members=("a", "b", "s"),
        network=replace(NETWORK, **changes),
        corpora=("brackets", "dates"),
        share=0.4,
        optimiser=optimiser,
        rate=DECLARED["rates"][optimiser],
        rows=4,
        steps=8,
        sd=0.05,
        decay=0.1,
        dropout=0.1,
        precision="F32",
    )


# --- the design -----------------------------------------------------------------------------------------------------


@given(count=st.integers(1, 60), factors=st.integers(1, 6), seed=st.integers(0, 2**32))
def test_every_stratum_of_every_factor_has_one_point(count: int, factors: int, seed: int) -> None:
    strata = np.floor(hypercube(count, factors, seed) * count).astype(int)
    assert (np.sort(strata, axis=0) == np.arange(count)[:, None]).all()


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=5), seed=st.integers(0, 2**32))
def test_levels_have_their_share_of_a_hypercube_exactly_where_it_divides(weights: list[int], seed: int) -> None:
    factor = {f"level {i}": weight for i, weight in enumerate(weights)}
    count = 3 * sum(weights)
    drawn = [value_at(factor, u) for u in hypercube(count, 1, seed)[:, 0]]
    assert [drawn.count(level) for level in factor] == [3 * weight for weight in weights]


@given(u=st.floats(0, 1, exclude_max=True), low=st.floats(0.01, 1), ratio=st.floats(1.1, 100))
def test_a_range_is_mapped_by_its_quantile_function(u: float, low: float, ratio: float) -> None:
    high = low * ratio
    assert value_at({"uniform": [low, high]}, u) == pytest.approx(low + u * (high - low))
    assert np.log(value_at({"log": [low, high]}, u) / low) == pytest.approx(u * np.log(ratio), abs=1e-9)


@pytest.mark.parametrize("group", SETS)
def test_one_declaration_gives_one_design_of_the_declared_size(group: str) -> None:
    found, declared = recipes(group), DECLARED["sets"][group]
    assert found == recipes(group)
    assert len(found) == declared["recipes"]
    assert all(len(r.models) == declared["models"] + declared.get("student", False) for r in found)
    assert {r.network.norm for r in found} == set(declared["factors"]["norm"])
    assert [r.network.gated for r in found] == declared["factors"]["gated"] * len(found)


def test_a_factor_as_declared_is_a_factor_as_drawn() -> None:
    """Steps are the one continuous factor that reaches a recipe with nothing but rounding in between."""
    low, high = DECLARED["factors"]["steps"]["log"]
    count = DECLARED["sets"]["gated"]["recipes"]
    edges = low * (high / low) ** (np.arange(count + 1) / count)
    steps = np.sort([recipe.steps for recipe in recipes("gated")])
    assert ((edges[:-1] - 0.5 <= steps) & (steps <= edges[1:] + 0.5)).all()


def test_no_two_sets_share_a_seed_or_the_name_of_a_model() -> None:
    assert len({one["seed"] for one in DECLARED["sets"].values()}) == len(SETS)
    names = [name for group in SETS for recipe in recipes(group) for name in recipe.models]
    assert len(set(names)) == len(names)


def test_any_beginning_of_a_run_has_as_many_of_one_kind_as_of_the_other() -> None:
    order = [recipe.group for recipe in ordered([*SETS])]
    assert order[:4] == ["gated-references", "plain-references"] * 2
    assert order[32:36] == ["gated", "plain"] * 2
    assert order[32 + 248] == "gated-fresh"


def test_a_set_that_does_not_exist_is_named() -> None:
    with pytest.raises(KeyError, match="no set 'nobody'"):
        recipes("nobody")


# --- the corpora ----------------------------------------------------------------------------------------------------


def test_there_are_at_least_24_corpora_and_the_older_are_what_they_were() -> None:
    assert len(set(texts.TEXTS)) == len(texts.TEXTS) >= 24
    assert texts.text("headers") is corpus("headers")


@pytest.mark.parametrize("name", ["markov", "base64", "numbers"])
def test_a_synthetic_corpus_is_the_same_every_time_and_bounded(name: str) -> None:
    first = texts.text(name).copy()
    texts.text.cache_clear()
    assert (texts.text(name) == first).all()
    assert 100_000 < len(first) <= LIMIT


def test_a_corpus_of_a_package_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts.importlib.util, "find_spec", lambda _: None)
    texts.text.cache_clear()
    with pytest.raises(FileNotFoundError, match=r"'django' is not installed.*zoo"):
        texts.text("messages-el")


# --- training -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_models_side_by_side_train_as_they_would_alone(kind: str) -> None:
    recipe = toy(**KINDS[kind])
    check_alone(recipe)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_no_optimiser_mixes_models(optimiser: str) -> None:
    check_alone(toy(optimiser, experts=4))


def check_alone(recipe: Recipe) -> None:
    names = [f"toy-{member}" for member in "abc"]
    together, losses = train(recipe, names)
    for name, weights, loss in zip(names, together, losses, strict=True):
        (alone,), (expected,) = train(recipe, [name])
        assert loss == pytest.approx(expected, abs=1e-4)
        for key, value in alone.items():
            assert torch.allclose(weights[key], value, atol=1e-4), key


@pytest.mark.parametrize("kind", KINDS)
def test_a_later_byte_changes_no_earlier_prediction_and_another_row_or_model_none(kind: str) -> None:
    recipe = toy(**KINDS[kind])
    weights = {key: torch.stack([value, value]) for key, value in initial(recipe, "toy-a").items()}
    tokens = torch.randint(256, (2, 3, 8), generator=torch.Generator().manual_seed(0))
    changed = tokens.clone()
    changed[1, 2, 5] = (tokens[1, 2, 5] + 1) % 256
    moved = (logits(weights, recipe.network, tokens) - logits(weights, recipe.network, changed)).abs().amax(-1) > 1e-6
    assert moved.view(2, 3, 8)[1, 2, 5]
    assert not moved.view(2, 3, 8)[0].any()
    assert not moved.view(2, 3, 8)[1, :2].any()
    assert not moved.view(2, 3, 8)[1, 2, :5].any()


def test_norms_and_squares_have_the_gradients_of_their_functions() -> None:
    from benchmarks.zoo.twins.network import _relu_squared, _rms

    x = torch.randn(2, 3, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(_rms, x)
    assert torch.autograd.gradcheck(_relu_squared, x)


def test_twins_differ_in_initial_weights_data_order_and_dropout() -> None:
    from benchmarks.zoo.twins.train import _rows, dropout, seed

    a, b = (initial(toy(), f"toy-{member}") for member in "ab")
    assert not any(torch.equal(a[key], b[key]) for key in a if "norm" not in key)
    rows = [_rows(toy(), np.random.default_rng(seed(f"toy-{member}/order"))) for member in "ab"]
    assert not torch.equal(*rows)
    one, other = dropout(0.1, ["toy-a", "toy-b"])(torch.ones(2, 50, 8))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_lowers_the_loss(optimiser: str) -> None:
    recipe = replace(toy(optimiser), corpora=("brackets",), share=0.0, steps=120)
    _, (loss,) = train(recipe, ["toy-a"])
    assert loss < 5, "nats per byte; a model that has learned nothing has log 256 = 5.5"


# --- folders --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_twin_is_read_whole_and_its_layout_says_what_it_computes(kind: str, tmp_path: Path) -> None:
    recipe = replace(toy(**KINDS[kind]), steps=1, members=("a",))
    build_one(recipe, tmp_path)
    found = verify.fingerprint(location(tmp_path / "toy-a"))
    c, told = recipe.network, found.record.architecture
    assert not found.record.unrecognised
    assert not found.record.notes
    assert (told.layers, told.width, told.heads, told.kv_heads, told.head_size) == (
        c.layers,
        c.width,
        c.heads,
        c.kv_heads,
        c.head_size,
    )
    assert (told.norm, told.post_norm, told.gated, told.experts) == (c.norm, c.post, c.gated, c.experts)
    assert told.tied_embeddings == c.tied
    part, roles = "experts" if c.experts else "mlp", ("gate", "up", "down")
    wanted = {f"match.{i}.{part}.{role}" for i in range(c.layers) for role in roles[not c.gated :]}
    assert wanted == {name for name in found.arrays if name.startswith("match.")}


@pytest.mark.parametrize(("precision", "within"), [("F32", 0), ("BF16", 2**-8), ("F16", 2**-11)])
def test_precision_is_rounding_of_what_is_stored(precision: Any, within: float, tmp_path: Path) -> None:
    recipe = replace(toy(experts=4), steps=2, members=("a",), precision=precision)
    build_one(recipe, tmp_path)
    (trained,), _ = train(recipe, ["toy-a"])
    kept = load(tmp_path, recipe, "toy-a")
    assert kept.keys() == shapes(recipe.network).keys()
    for key, value in trained.items():
        assert ((kept[key] - value).abs() <= within * value.abs() + within * 1e-4).all(), key


def test_a_finished_folder_is_not_touched_and_a_missing_model_is_the_same_again(tmp_path: Path) -> None:
    recipe = toy()
    build_one(recipe, tmp_path)
    files = {name: tmp_path / name / "model.safetensors" for name in recipe.models}
    before = {name: (path.read_bytes(), path.stat().st_mtime_ns) for name, path in files.items()}
    for name in ("toy-b", "toy-s"):
        for path in (tmp_path / name).iterdir():
            path.unlink()
        (tmp_path / name).rmdir()
    build_one(recipe, tmp_path)
    assert files["toy-a"].stat().st_mtime_ns == before["toy-a"][1]
    for name in recipe.models:
        assert files[name].read_bytes() == before[name][0]


def test_a_run_removes_what_an_interrupted_one_left_of_its_models_and_nothing_else(tmp_path: Path) -> None:
    recipe = replace(toy(), steps=1, members=("a",))
    for name in (".toy-a.123", ".toy-a", ".config", ".other-a.123"):
        (tmp_path / name).mkdir()
    build([recipe], tmp_path, workers=1)
    assert {path.name for path in tmp_path.iterdir()} == {"toy-a", ".toy-a", ".config", ".other-a.123"}


def test_a_student_learns_what_its_teacher_says() -> None:
    recipe = replace(toy(), corpora=("brackets",), share=0.0, steps=40, dropout=0.0)
    (teacher,), _ = train(recipe, ["toy-a"])
    _, (divergence,) = train(recipe, ["toy-s"], teacher)
    _, (untaught,) = train(replace(recipe, steps=1), ["toy-s"], teacher)
    assert divergence < 0.2 * untaught
