"""Evasions and forgeries of the study do what they say; those that keep the function keep it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.optimize import linear_sum_assignment

import verify
from benchmarks.evasion.cell import AGAIN, Cells
from benchmarks.evasion.evasions import EVASIONS, HIDDEN_BUT_TWO
from benchmarks.evasion.forgeries import FORGERIES
from benchmarks.evasion.prints import print_of
from benchmarks.pages.evasion import hidden, least
from benchmarks.zoo.config import Config
from tests.checkpoints import Array
from tests.forward import logits
from verify.data import model
from verify.fingerprint import projection, unit_rows
from verify.statistics import SPREAD_CORRELATION
from verify.statistics.blocks import units

SHAPE = Config(family="llama", layers=4, width=64, hidden=176, heads=4, kv_heads=2)
TEXT = np.frombuffer(b"def mean(values): return sum(values) / len(values)", np.uint8)
USED = [token for token in range(256) if token not in (0xC0, 0xC1, *range(0xF5, 0x100))]
Weights = dict[str, Array]


@pytest.fixture(scope="module")
def reference() -> Weights:
    return load_file(model("reference") / "model.safetensors")


@pytest.fixture(scope="module")
def stranger() -> Weights:
    return load_file(model("stranger-1") / "model.safetensors")


@pytest.fixture(scope="module")
def forged(reference: Weights, stranger: Weights) -> dict[str, Weights]:
    """Strangers whose function was kept, by what was done to them."""
    return {name: of.do(stranger, SHAPE, "", reference) for name, of in FORGERIES.items() if of.free}


def evaded(name: str, strength: float | str, w: Weights, other: Weights) -> tuple[Weights, Config]:
    return EVASIONS[name].do(w, SHAPE, strength, np.random.default_rng(0), other)


def difference(w: Weights, c: Config, before: Weights) -> float:
    """Largest difference of the logits of tokens that texts use."""
    return float(np.abs(logits(w, c, TEXT) - logits(before, SHAPE, TEXT))[:, USED].max())


def log10_p(w: Weights, test: str, sketch: verify.SketchSpec | None = None) -> float:
    """Against the reference."""
    fingerprint = verify.fingerprint(model("reference"), sketch=sketch)
    return verify.test_lineage(print_of(w, SHAPE, sketch), fingerprint).tests[test].log10_p


@pytest.mark.parametrize("name", [name for name, evasion in EVASIONS.items() if evasion.free])
def test_a_free_evasion_keeps_the_function_and_changes_tensors(
    name: str, reference: Weights, stranger: Weights
) -> None:
    for strength in EVASIONS[name].strengths:
        after, c = evaded(name, strength, reference, stranger)
        assert difference(after, c, reference) < 1e-4, strength
        assert c != SHAPE or any(not np.array_equal(after[key], reference[key]) for key in reference)


@pytest.mark.parametrize("name", [name for name in EVASIONS if name not in ("everything", "spreads", "hidden_noise")])
def test_an_evasion_of_strength_0_changes_nothing(name: str, reference: Weights, stranger: Weights) -> None:
    """Folded gains and turns by no angle change roundings."""
    after, c = evaded(name, 0, reference, stranger)
    assert c == SHAPE
    if name in ("stream", "phases"):
        assert difference(after, c, reference) < 1e-5
    else:
        assert all(np.array_equal(after[key], reference[key]) for key in reference)


@pytest.mark.parametrize("name", [name for name, evasion in EVASIONS.items() if not evasion.free])
def test_an_evasion_that_is_not_free_changes_the_function(name: str, reference: Weights, stranger: Weights) -> None:
    for strength in EVASIONS[name].strengths:
        assert difference(*evaded(name, strength, reference, stranger), reference) > 1e-3, strength


def test_a_strength_is_what_it_is_said_to_be(reference: Weights, stranger: Weights) -> None:
    key = "model.layers.1.mlp.gate_proj.weight"
    x = reference[key]

    def after(name: str, strength: float) -> Array:
        return evaded(name, strength, reference, stranger)[0][key]

    assert (after("noise", 2.0) - x).std() == pytest.approx(2 * x.std(), rel=0.02)
    assert (after("pruning", 0.8) == 0).mean() == pytest.approx(0.8, abs=0.001)
    assert max(len(np.unique(row)) for row in after("rounding", 3)) <= 7
    assert np.allclose(after("merging", 0.6), 0.4 * x + 0.6 * stranger[key], atol=1e-6)
    assert np.linalg.matrix_rank(after("reset", 0.25) - x, tol=1e-3) <= 2 * 16
    assert np.linalg.norm(after("reset", 0.9)) == pytest.approx(np.linalg.norm(x), rel=0.1)
    assert [evaded("narrower", s, reference, stranger)[1].hidden for s in (0.25, 0.5)] == [132, 88]
    assert [evaded("wider", s, reference, stranger)[1].hidden for s in (0.5, 1.0)] == [264, 352]
    assert [evaded(n, 2, reference, stranger)[1].layers for n in ("shallower", "deeper")] == [2, 6]
    anew, _ = evaded("reinitialised", 3, reference, stranger)
    assert len({n.split(".")[2] for n in reference if not np.array_equal(anew[n], reference[n])}) == 3


@pytest.mark.parametrize("name", ["units", "values"])
def test_half_of_the_layers_are_half_of_the_layers(name: str, reference: Weights, stranger: Weights) -> None:
    after, _ = evaded(name, 0.5, reference, stranger)
    touched = {key.split(".")[2] for key in reference if not np.array_equal(after[key], reference[key])}
    assert len(touched) == 2


def test_hidden_but_two_forgets_phases_and_unused_rows() -> None:
    assert not {"phases", "quarter_turns", "unused_redrawn"} & set(HIDDEN_BUT_TWO)


@pytest.mark.parametrize("name", [name for name, forgery in FORGERIES.items() if forgery.free])
def test_a_free_forgery_keeps_the_function(name: str, forged: dict[str, Weights], stranger: Weights) -> None:
    assert any(not np.array_equal(forged[name][key], stranger[key]) for key in stranger)
    assert difference(forged[name], SHAPE, stranger) < 1e-4


@pytest.mark.parametrize(
    ("name", "test"), [(name, test) for name, of in FORGERIES.items() if of.free for test in of.aims]
)
def test_a_forgery_makes_the_test_reject_that_it_is_made_for(
    name: str, test: str, forged: dict[str, Weights], stranger: Weights
) -> None:
    assert log10_p(stranger, test) > -2
    assert log10_p(forged[name], test) < -3


def test_units_ordered_for_one_sketch_are_not_found_under_another(
    forged: dict[str, Weights], reference: Weights, stranger: Weights
) -> None:
    """And a relative is."""
    assert log10_p(forged["match_units"], "unit_identity") < -100
    assert log10_p(forged["match_units"], "unit_identity", AGAIN) > -3
    child, _ = evaded("noise", 0.5, reference, stranger)
    assert log10_p(child, "unit_identity", AGAIN) < -100


def test_a_published_fingerprint_is_enough_to_forge_a_match(stranger: Weights, tmp_path: Path) -> None:
    """What libraries publish, at the effort of a screen: no weight of the reference is needed to fit units to it.

    The order that is forged is found against the weights themselves, at full effort; and not under another sketch.
    """
    verify.fingerprint(model("reference"), effort="screen").save(tmp_path / "published.safetensors")
    theirs = units(verify.Fingerprint.load(tmp_path / "published.safetensors"))
    forged = {name: x.copy() for name, x in stranger.items()}
    for i in range(SHAPE.layers):
        block, at = theirs[i]["mlp"], f"model.layers.{i}.mlp."
        signs = projection(SHAPE.width, block.sign_fixed[0].shape[-1])
        gate, up = (unit_rows(forged[f"{at}{role}_proj.weight"] @ signs) for role in ("gate", "up"))
        scores = gate @ block.sign_fixed[0][0].T + np.abs(up @ block.sign_flipping[0][0].T)
        chosen, columns = linear_sum_assignment(-(scores + 4.0 * (scores == scores.max(1, keepdims=True))))
        order = np.empty(SHAPE.hidden, int)
        order[block.indices[columns]] = chosen
        order[np.setdiff1d(np.arange(SHAPE.hidden), block.indices)] = np.setdiff1d(np.arange(SHAPE.hidden), chosen)
        for role in ("gate", "up"):
            forged[f"{at}{role}_proj.weight"] = forged[f"{at}{role}_proj.weight"][order]
        forged[f"{at}down_proj.weight"] = forged[f"{at}down_proj.weight"][:, order]
    assert difference(forged, SHAPE, stranger) < 1e-4
    assert log10_p(stranger, "unit_identity") > -2
    assert log10_p(forged, "unit_identity") < -70
    assert log10_p(forged, "unit_identity", AGAIN) > -3


def test_the_disputed_correlation_is_set_at_will_and_the_exact_tests_are_not(
    forged: dict[str, Weights], reference: Weights, stranger: Weights
) -> None:
    """Scaling alone makes a stranger's curves those of the reference, and turns a copy's upside down."""
    original = verify.fingerprint(model("reference"))
    alike, copy = (
        print_of(w, SHAPE) for w in (forged["copy_spreads"], evaded("spreads", "all", reference, stranger)[0])
    )
    assert SPREAD_CORRELATION(alike, original) > 0.999
    assert SPREAD_CORRELATION(copy, original) < -0.999
    assert verify.test_lineage(alike, original).verdict == "no_evidence"
    assert verify.test_lineage(copy, original).verdict == "dependent"


def test_a_finished_cell_is_not_made_again(tmp_path: Path) -> None:
    cells = Cells(tmp_path)
    assert cells.get("noise", "reference 0.5", make=lambda: {"loss": 1.5}) == {"loss": 1.5}
    assert cells.get("noise", "reference 0.5", make=lambda: pytest.fail("made again")) == {"loss": 1.5}
    assert cells.get("noise", "reference 0.5 repaired", make=lambda: {"loss": 1.0}) == {"loss": 1.0}


def test_the_least_cost_is_of_strengths_at_which_nothing_is_found() -> None:
    def row(cost: float, found: int, related: int = 0, *, repaired: bool = False) -> dict:
        return {
            "cost": [cost],
            "found": {"a": [0, 5, 5], "b": [found, 5, 5]},
            "related": related,
            "repaired": repaired,
        }

    rows = [row(0.1, 1), row(0.2, 0, 1), row(0.9, 0), row(0.5, 0), row(0.3, 0, repaired=True)]
    assert [hidden(one) for one in rows] == [False, False, True, True, True]
    assert least(rows, repaired=False)["cost"] == [0.5]
    assert least(rows[:2], repaired=False) is None
