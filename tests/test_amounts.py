"""How much tensors were changed is told of numbers at their places, and of no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.models import child, config, weights, write
from tests.reports import CREATED, changed, sealed
from verify import DerivationReport, derivation, replay
from verify.data import model
from verify.derivations import pair
from verify.derivations.amount import Growing
from verify.derivations.record import FEWEST_IN_PLACE, Amount, TensorFrom
from verify.derivations.record import changed as all_together
from verify.derivations.said import amounts

C = config(layers=3, width=32, hidden=64, heads=4, kv_heads=2)
UP, DOWN = "model.layers.1.mlp.up_proj.weight", "model.layers.1.mlp.down_proj.weight"
A = weights(0, C)
Array = NDArray[np.float64]
Tensors = dict[str, NDArray[Any]]


def compared(root: Path, b: Tensors, a: Tensors = A) -> DerivationReport:
    return derivation(write(root / "a", a, C), write(root / "b", b, C), created=CREATED)


def grown(x: Array, y: Array, rows: int = 1 << 20) -> Amount | None:
    """What is found of two matrices in blocks of so many rows."""
    growing = Growing()
    for at in range(0, len(x), rows):
        growing.see(x[at : at + rows], y[at : at + rows])
    return growing.found()


def of(report: DerivationReport) -> dict[str, Amount | None]:
    return {one.name: one.amount for one in report.tensors}


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6), st.integers(2, 40), st.integers(2, 40), st.integers(1, 50), st.floats(1e-6, 3.0))
def test_lengths_are_those_of_the_formulae(seed: int, m: int, n: int, rows: int, size: float) -> None:
    """Whatever the blocks; and of one block, that elsewhere is to the nearest of three places."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((m, n))
    y = x + size * rng.standard_normal((m, n))
    found = grown(x, y, rows)
    assert found is not None
    assert found.distance == pytest.approx(np.linalg.norm(y - x) / np.linalg.norm(x), rel=1e-5)
    assert found.cosine == pytest.approx((x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y), abs=1e-5)
    whole = grown(x, y)
    assert whole is not None
    there = (y[:-1] - x[1:], y[:, :-1] - x[:, 1:], y[:-1, :-1] - x[1:, 1:])
    nearest = min(np.square(one).mean() for one in there)
    assert whole.elsewhere == pytest.approx(np.sqrt(nearest / np.square(x).mean()), rel=1e-5)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from([(32, 32), (8, 128), (400, 3), (1, 2048)]), st.floats(0, 30),
       st.floats(0.01, 20))  # fmt: skip
def test_numbers_of_strangers_are_at_no_places(seed: int, shape: tuple[int, int], common: float, by: float) -> None:
    """Also where all rows have much in common, such as the gains of norms or one direction of a vocabulary, and where
    one model's numbers are larger."""
    rng = np.random.default_rng(seed)
    mean = common * rng.standard_normal((1, shape[1])) if shape[0] > 1 else common
    x, y = (rng.standard_normal(shape) + mean for _ in range(2))
    found = grown(x, by * y)
    assert found is not None
    assert not found.in_place


BEGINNINGS = {
    "identity": np.eye(60, 60),
    "means of rows": np.arange(60)[:, None] % 7 * np.ones((60, 60)),
    "one state for all rows": np.log(np.arange(1, 61))[None] * np.ones((60, 60)),
    "ramp": np.linspace(0, 3, 3600)[:, None],
    "ramp in a row": np.linspace(0, 3, 3600)[None],
    "all ones": np.ones((3600, 1)),
    "below the diagonal": np.tril(np.ones((60, 60))),
}


@pytest.mark.parametrize("begun", BEGINNINGS)
@pytest.mark.parametrize("size", [0.05, 0.3, 1.0])
def test_one_way_to_begin_puts_no_numbers_of_strangers_at_places(begun: str, size: float) -> None:
    """What two makers start from alike, each having trained it by itself: no amount is said to have been changed."""
    rng = np.random.default_rng(1)
    first = BEGINNINGS[begun]
    found = grown(*(first + size * rng.standard_normal(first.shape) for _ in range(2)))
    assert found is not None
    assert not found.in_place


@pytest.mark.parametrize("size", [0.001, 0.1, 0.5])
def test_a_change_is_told_by_its_length(tmp_path: Path, size: float) -> None:
    rng = np.random.default_rng(3)

    def moved(x: NDArray[Any]) -> NDArray[Any]:
        change = rng.standard_normal(x.shape).astype("f4")
        return x + np.float32(size * np.linalg.norm(x) / np.linalg.norm(change)) * change

    b = {name: moved(x) if x.ndim > 1 else x for name, x in A.items()}
    found = compared(tmp_path, b)
    large = {name for name, x in A.items() if x.ndim > 1 and x.size >= FEWEST_IN_PLACE}
    for name, amount in of(found).items():
        if name in large:
            assert amount is not None
            assert amount.in_place
            assert amount.distance == pytest.approx(size, rel=1e-3)
        else:
            assert amount is None
    (phrase,) = amounts(found)
    assert phrase.code == "derivation.changed"
    assert f"{len(large)} tensors without a rule have their numbers at A's places, changed by " in found.answer.count
    by_stem = {one.stem: one for one in found.changes}
    up = by_stem["model.layers.#.mlp.up_proj.weight"]
    assert (up.tensors, up.equal, up.in_place) == (3, 0, 3)
    assert up.distance == pytest.approx(size, rel=1e-3)
    assert "How much was changed" in found.to_markdown()
    assert {row["distance"] is None for row in found.to_tensor_dicts() if row["name"] in large} == {False}


def test_units_in_another_order_have_no_amount(tmp_path: Path) -> None:
    """Their numbers are not at their places, and a distance would be of the order alone."""
    order = np.random.default_rng(1).permutation(C.hidden)
    gate = UP.replace("up", "gate")
    b = child(A, 5, 0.01) | {UP: A[UP][order] * np.float32(1.01), gate: A[gate][order] + np.float32(0.001),
                             DOWN: A[DOWN][:, order] + np.float32(0.001)}  # fmt: skip
    found = compared(tmp_path, b)
    amount = of(found)
    assert all(one is not None and not one.in_place for one in (amount[UP], amount[gate], amount[DOWN]))
    assert all(one.in_place for name, one in amount.items() if one is not None and name not in (UP, gate, DOWN))
    assert [phrase.code for phrase in amounts(found)] == ["derivation.changed", "derivation.not_in_place"]
    assert "no amount of change is said of them" in found.answer.count


def test_strangers_have_no_amount(tmp_path: Path) -> None:
    found = compared(tmp_path, weights(9, C))
    assert [phrase.code for phrase in amounts(found)] == ["derivation.not_in_place"]
    for a, b in (("reference", "stranger-1"), ("reference", "stranger-2"), ("gpt2-reference", "gpt2-stranger"),
                 ("reference", "distilled"), ("reference", "obfuscated-all")):  # fmt: skip
        shipped = derivation(model(a), model(b), created=CREATED)
        assert not any(one.in_place for one in shipped.changes), (a, b)


def test_what_has_no_length_has_no_amount(tmp_path: Path) -> None:
    """Equal numbers, zeros throughout, and numbers that are not finite; rows of zeros are like any other."""
    spoiled = A[UP].copy()
    spoiled[3, 4] = np.inf
    rows = A[DOWN].copy()
    rows[::2] = 0
    other = UP.replace(".1.", ".2.")
    zeros = UP.replace(".1.", ".0.")
    moved = (A[other] + np.float32(0.01)).astype("f4")
    found = of(compared(tmp_path, A | {UP: spoiled, other: moved, zeros: np.zeros_like(A[zeros]), DOWN: rows}))
    assert {name for name, amount in found.items() if amount is not None} == {other, DOWN}
    assert (down := found[DOWN]) is not None
    assert down.distance == pytest.approx(np.linalg.norm(A[DOWN][::2]) / np.linalg.norm(A[DOWN]), rel=1e-5)
    assert grown(np.zeros((4, 4)), np.ones((4, 4))) is None
    assert grown(np.full((40, 40), 1e200), np.full((40, 40), 1e150)) is None
    assert grown(np.full((40, 40), 1e-200), np.full((40, 40), 1e-200)) is None
    far = grown(np.full((40, 40), 1e-140), np.full((40, 40), 1e139))
    assert far is not None
    assert far.distance == pytest.approx(1e279)


def test_rows_that_one_has_beyond_the_other_are_not_of_the_change(tmp_path: Path) -> None:
    first = "model.embed_tokens.weight"
    moved = {name: A[name] + np.float32(0.001) for name in (first, "lm_head.weight")}
    b = A | {name: np.concatenate([x, np.full((5, C.width), 7, "f4")]) for name, x in moved.items()}
    (change,) = [one for one in compared(tmp_path, b).changes if one.stem == first]
    assert change.distance == pytest.approx(
        np.linalg.norm(moved[first] - A[first]) / np.linalg.norm(A[first]), rel=1e-4
    )
    assert change.numbers == A[first].size


def test_a_rule_and_an_amount_stand_side_by_side(tmp_path: Path) -> None:
    """What a grid changes is said in the table, and not as a change without a rule."""
    top = np.abs(A[UP]).max(1, keepdims=True) / 127
    found = compared(tmp_path, A | {UP: (np.round(A[UP] / top) * top).astype("f4")})
    (one,) = [one for one in found.tensors if one.name == UP]
    assert one.rule is not None
    assert one.amount is not None
    assert 0 < one.amount.distance < 0.02
    assert amounts(found) == ()


def test_medians_are_of_numbers_and_not_of_tensors() -> None:
    """A small tensor that was changed much does not decide for a large one."""

    def one(entries: int, distance: float) -> TensorFrom:
        amount = Amount(distance=distance, elsewhere=1.4, cosine=0.9)
        return TensorFrom(name=f"x.{entries}", of="x", entries=entries, entries_a=entries, compared=entries, equal=0,
                          amount=amount)  # fmt: skip

    found = all_together("x", [one(1024, 0.9), one(2048, 0.8), one(90000, 0.01)])
    assert (found.distance, found.low, found.high) == (0.01, 0.01, 0.9)


def test_amounts_do_not_depend_on_the_size_of_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the distance elsewhere, of which the last row of a block stands beside its first."""
    before = of(compared(tmp_path, child(A, 4, 0.2)))
    monkeypatch.setattr(pair, "ENTRIES", 64)
    monkeypatch.setattr(pair, "_FIRST", 64)
    after = of(derivation(tmp_path / "a", tmp_path / "b", created=CREATED))
    for name, amount in before.items():
        other = after[name]
        assert (amount is None) is (other is None)
        if amount is not None and other is not None:
            assert (amount.distance, amount.cosine) == pytest.approx((other.distance, other.cosine), rel=2e-6)


def test_a_replay_makes_amounts_again(tmp_path: Path) -> None:
    found = compared(tmp_path, child(A, 4, 0.2))
    assert replay(found, tmp_path / "a", tmp_path / "b").status == "agrees"
    at = next(n for n, one in enumerate(found.tensors) if one.amount is not None)
    forged = sealed(changed(found.facts(), f"$.tensors[{at}].amount.distance", 0.001)).decode()
    assert replay(forged, tmp_path / "a", tmp_path / "b").status == "disagrees"
