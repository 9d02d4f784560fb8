"""Experts are told by what routes to them, and their order is tested inside the groups that routing treats alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.zoo.changes import changed
from tests.checkpoints import Array, toy, write_checkpoint
from tests.models import config, mixture, write
from tests.strategies import architecture, fingerprint_of, moe_like, random_arrays, stranger
from tests.uniformity import NotSuperUniformError, check_super_uniform
from verify import Fingerprint, fingerprint
from verify.base import Phrase
from verify.checkpoint import open_checkpoint
from verify.inference import log10_p_fixed_points
from verify.statistics import EXPERT_IDENTITY
from verify.statistics.blocks import score
from verify.statistics.expert_identity import experts_by_responses
from verify.statistics.matching import fixed_points

MOE = config(family="qwen2_moe", experts=6, active=2, hidden=10, shared=12)
PANGU = config(family="pangu_pro_moe", experts=6, active=2, hidden=10, shared=12)
GROUPED = moe_like().model_copy(update={"layers": 6, "experts": 16, "expert_group": 4})


def routers(folder: Path, w: dict[str, Array], c=MOE) -> dict[str, np.ndarray]:
    """The arrays of routers of a model."""
    arrays = fingerprint(write(folder, w, c)).arrays
    return {name: x for name, x in arrays.items() if name.startswith("routers.")}


def permuted_experts(w: dict[str, Array], orders: list[np.ndarray]) -> dict[str, Array]:
    """Another order of the experts of each layer, with the rows of the router."""
    new = dict(w)
    for i, order in enumerate(orders):
        at = f"model.layers.{i}.mlp."
        new[f"{at}gate.weight"] = w[f"{at}gate.weight"][order]
        for e, old in enumerate(order):
            for role in ("gate", "up", "down"):
                new[f"{at}experts.{e}.{role}_proj.weight"] = w[f"{at}experts.{old}.{role}_proj.weight"]
    return new


def test_permuted_experts_permute_the_rows_to_the_bit(tmp_path: Path) -> None:
    rng, w = np.random.default_rng(1), mixture(0, MOE)
    orders = [rng.permutation(6) for _ in range(MOE.layers)]
    before, after = routers(tmp_path / "a", w), routers(tmp_path / "b", permuted_experts(w, orders))
    assert set(before) == {f"routers.{i}.{part}" for i in range(2) for part in ("weights", "responses", "experts")}
    for name, x in before.items():
        np.testing.assert_array_equal(after[name], x[orders[int(name.split(".")[1])]])


def with_common_row(w: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """A vector added to all rows of a router, to which softmax is blind."""
    return {
        name: x + rng.standard_normal(x.shape[1]).astype(np.float32) if name.endswith("mlp.gate.weight") else x
        for name, x in w.items()
    }


def with_permuted_units(w: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """Another order of the units of every expert."""
    new = dict(w)
    for name in w:
        if ".experts." in name and "gate_proj" in name:
            order = rng.permutation(len(w[name]))
            up, down = (name.replace("gate_proj", f"{role}_proj") for role in ("up", "down"))
            new |= {name: w[name][order], up: w[up][order], down: w[down][:, order]}
    return new


def folded_and_rotated(w: dict[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """A rotated stream."""
    return changed(w, MOE, rng, "stream_rotation")


@pytest.mark.parametrize("change", [with_common_row, with_permuted_units, folded_and_rotated])
def test_what_keeps_the_function_keeps_what_experts_are_told_by(tmp_path: Path, change) -> None:
    w = mixture(0, MOE)
    before, after = routers(tmp_path / "a", w), routers(tmp_path / "b", change(w, np.random.default_rng(3)))
    for name, x in before.items():
        if not (change is folded_and_rotated and name.endswith("weights")):
            np.testing.assert_allclose(after[name].astype(float), x.astype(float), atol=2e-3, err_msg=name)


def test_a_child_with_permuted_units_is_found_and_one_by_units_at_an_index_is_not(tmp_path: Path) -> None:
    """Mean responses of units at fixed indices compare other units; those of all units do not."""
    w = mixture(0, MOE)
    a, b = (
        fingerprint(write(tmp_path / name, x, MOE))
        for name, x in (("a", with_permuted_units(w, np.random.default_rng(1))), ("b", w))
    )

    def by_kept_units(x: Fingerprint) -> np.ndarray:
        first = x.arrays["response.0.experts"][:, :5].astype(float)
        return first.reshape(len(first), -1)

    assert np.diagonal(by_kept_units(a) @ by_kept_units(b).T).max() < 4.0
    x, y = (model.arrays["routers.0.experts"].astype(float) for model in (a, b))
    assert np.diagonal(x @ y.T).min() > 0.99
    assert EXPERT_IDENTITY(a, b).counts[0].count == 12


# ---- groups of experts


def routed(scores: np.ndarray, groups: int, best: int, most: int) -> np.ndarray:
    """Weights of routing by groups: the largest ``most`` scores of the ``best`` groups."""
    by_group = scores.reshape(groups, -1)
    kept = np.argsort(-np.sort(by_group, axis=1)[:, -2:].sum(1))[:best]
    open_to = np.zeros_like(by_group)
    open_to[kept] = by_group[kept]
    flat = open_to.ravel()
    return np.where(flat >= np.sort(flat)[-most], flat, 0.0)


def test_routing_by_groups_commutes_with_permutations_inside_groups_alone() -> None:
    """Permuting experts of different groups routes tokens otherwise."""
    rng = np.random.default_rng(4)
    inside = np.concatenate([4 * g + rng.permutation(4) for g in range(4)])
    across = rng.permutation(16)
    same = dict.fromkeys(("inside", "across"), 0)
    for _ in range(50):
        scores = rng.uniform(size=16)
        for name, order in (("inside", inside), ("across", across)):
            same[name] += np.array_equal(routed(scores[order], 4, 2, 3), routed(scores, 4, 2, 3)[order])
    assert same["inside"] == 50
    assert same["across"] < 40


@pytest.mark.parametrize(
    ("family", "changes", "size"),
    [
        ("qwen2_moe", {}, 3),
        ("pangu_pro_moe", {"num_experts_per_tok": 3}, 1),
        ("pangu_pro_moe", {"num_experts_per_tok": 1}, 3),
        ("pangu_pro_moe", {"num_experts_per_tok": 2}, 0),
        ("pangu_pro_moe", {}, 0),
        ("qwen2_moe", {"model_type": "own"}, 0),
        ("llama", {}, 0),
    ],
)
def test_sizes_of_groups_are_those_of_config(tmp_path: Path, family: str, changes: dict, size: int) -> None:
    """Where the number of groups is not told, or does not divide the experts, nothing is known."""
    found = open_checkpoint(write_checkpoint(tmp_path, toy(family).configured(**changes)))
    assert found.architecture.expert_group == size


def test_a_model_without_router_has_no_arrays_of_routers(tmp_path: Path) -> None:
    """And dense layers have none."""
    w = {name: x for name, x in mixture(0, MOE).items() if not name.endswith("mlp.gate.weight")}
    odd = fingerprint(write(tmp_path / "odd", w, MOE))
    assert not any(name.startswith("routers.") for name in odd.arrays)
    assert EXPERT_IDENTITY(odd, odd).reason == Phrase.of("routing_unknown", model="A")
    partly = fingerprint(write_checkpoint(tmp_path / "partly", toy("qwen2_moe", dense_layers=(0,))))
    assert {name.split(".")[1] for name in partly.arrays if name.startswith("routers.")} == {"1"}


def test_groups_are_compared_apart(tmp_path: Path) -> None:
    """Two groups of three experts in each of two layers."""
    model = fingerprint(write(tmp_path, mixture(0, PANGU), PANGU))
    count = EXPERT_IDENTITY(model, model).counts[0]
    assert (count.count, count.n, count.groups) == (12, 12, 4)


# ---- size


def drawn(seed, shape) -> Fingerprint:
    """Experts that share nothing with those of any other model."""
    return fingerprint_of(random_arrays(np.random.default_rng(seed), shape, components=["routers"]), shape)


def in_groups(seed, shape=GROUPED) -> Fingerprint:
    """Experts of one group resemble one another and experts of the same group of all models, in any order."""
    rng, common = np.random.default_rng(seed), np.random.default_rng(7)
    arrays = random_arrays(rng, shape, components=["routers"])
    for name, x in arrays.items():
        if name.startswith("routers."):
            x += 2 * np.repeat(common.standard_normal((shape.experts // 4, x.shape[1])), 4, axis=0)
    return fingerprint_of(arrays, shape)


def test_the_harness_catches_groups_of_experts_permuted_as_one() -> None:
    """If groups differ in both models, an expert finds its like in its group; the test counts each group apart."""
    whole = GROUPED.model_copy(update={"expert_group": 16})
    for shape, valid in ((whole, False), (GROUPED, True)):
        pairs = [(in_groups([i, 0], shape), in_groups([i, 1], shape)) for i in range(100)]
        found = [EXPERT_IDENTITY(a, b).log10_p for a, b in pairs]
        if valid:
            check_super_uniform(found)
        else:
            with pytest.raises(NotSuperUniformError):
                check_super_uniform(found)


def test_the_harness_catches_layers_aligned_by_their_matches() -> None:
    """Choosing for each layer the one whose experts agree most inflates the size."""
    shape = moe_like().model_copy(update={"layers": 8, "experts": 8, "expert_group": 8})

    def by_matches(a: Fingerprint, b: Fingerprint) -> float:
        x, y = experts_by_responses(a), experts_by_responses(b)
        most = [max(int(fixed_points(score(x[i]["group 0"], y[j]["group 0"])).sum()) for j in y) for i in x]
        return log10_p_fixed_points(sum(most), len(most))

    pairs = [(drawn([i, 0], shape), drawn([i, 1], shape)) for i in range(100)]
    with pytest.raises(NotSuperUniformError):
        check_super_uniform([by_matches(a, b) for a, b in pairs])
    check_super_uniform([EXPERT_IDENTITY(a, b).log10_p for a, b in pairs])


def test_copied_layers_and_experts_keep_their_size() -> None:
    """Layers copied from one, two experts alike, one that routing never chose."""
    shape = moe_like().model_copy(update={"layers": 6, "experts": 8, "expert_group": 8})

    def made(seed) -> Fingerprint:
        rng = np.random.default_rng(seed)
        arrays, order = random_arrays(rng, shape, components=["routers"]), rng.permutation(8)
        for name, x in arrays.items():
            x[:] = arrays[f"routers.0.{name.split('.')[2]}"] + 0.1 * rng.standard_normal(x.shape)
            x[order[0]], x[order[1]] = 0, x[order[2]]
        return fingerprint_of(arrays, shape)

    check_super_uniform([EXPERT_IDENTITY(made([i, 0]), made([i, 1])).log10_p for i in range(100)])


# ---- relatives, and when it applies


def test_a_noisy_copy_is_found_at_every_effort() -> None:
    shape = moe_like().model_copy(update={"layers": 6, "experts": 8, "expert_group": 8})
    rng = np.random.default_rng(6)
    arrays = random_arrays(rng, shape)
    noisy = {name: x + 0.3 * rng.standard_normal(x.shape) for name, x in arrays.items()}
    a, b = (fingerprint_of(x, shape) for x in (noisy, arrays))
    for effort in ("full", "screen"):
        assert EXPERT_IDENTITY(a.at(effort), b.at(effort)).log10_p < -20


def test_without_shared_tokens_router_rows_are_compared_by_weights() -> None:
    """In streams of one width; else nothing is left."""
    shape = moe_like().model_copy(update={"layers": 6, "experts": 8, "expert_group": 8})
    a = stranger(1, shape)
    few = Fingerprint(a.record.model_copy(update={"anchors": tuple(range(20, 60))}), a.arrays)
    assert EXPERT_IDENTITY(a, few).counts[0].count == 48
    wide = stranger(2, shape.model_copy(update={"width": 64}))
    wide = Fingerprint(wide.record.model_copy(update={"anchors": tuple(range(20, 60))}), wide.arrays)
    assert EXPERT_IDENTITY(a, wide).reason.code == "both"


def test_models_without_experts_are_refused() -> None:
    a, b = stranger(1, moe_like()), stranger(2)
    assert EXPERT_IDENTITY(a, b).reason == Phrase.of("no_experts", model="B")
    one = stranger(3, architecture(hidden=0, experts=4, expert_hidden=20, expert_group=1))
    assert EXPERT_IDENTITY(a, one).reason == Phrase.of("one_expert", model="B")
