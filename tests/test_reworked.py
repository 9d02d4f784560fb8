"""Signs of re-parametrisation: said of models that were changed, never of those that were not, and of no effect."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import verify
from benchmarks.zoo.changes import changed
from tests.models import child, config, weights, write
from verify.base import Phrase
from verify.data import model, models
from verify.statistics import reworked

HONEST = [name for name in models() if not name.startswith("obfuscated")]
SHAPE = config(hidden=64, heads=4, kv_heads=4, width=64, layers=3)


@pytest.fixture(scope="module")
def shipped() -> dict[str, verify.Fingerprint]:
    return {name: verify.fingerprint(model(name)) for name in models()}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> verify.Fingerprint:
    return print_of(tmp_path_factory.mktemp("parent"), weights(0, SHAPE))


def print_of(folder: Path, tensors: dict[str, np.ndarray]) -> verify.Fingerprint:
    return verify.fingerprint(write(folder / "model", tensors, SHAPE))


def codes(a: verify.Fingerprint, b: verify.Fingerprint) -> list[str]:
    return [sign.code.removeprefix("reworked.") for sign in reworked(a, b)]


def test_nothing_is_said_of_models_that_nobody_changed(shipped: dict[str, verify.Fingerprint]) -> None:
    """Strangers, children and merges, in pairs."""
    for a, b in combinations(HONEST, 2):
        assert reworked(shipped[a], shipped[b]) == (), (a, b)


def test_folded_gains_are_told_of_the_one_that_has_them(shipped: dict[str, verify.Fingerprint]) -> None:
    (sign,) = reworked(shipped["obfuscated"], shipped["reference"])
    assert (sign.code, sign.values["model"], sign.values["norms"]) == ("reworked.gains", "A", 8)
    (sign,) = reworked(shipped["reference"], shipped["obfuscated"])
    assert sign.values["model"] == "B"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (("phases",), ["turned"]),
        (("quarter_turns",), ["quarter_turns"]),
        (("phases", "phase_scales", "head_order", "stream_rotation"), ["gains", "turned"]),
        (("stream_rotation",), ["gains"]),
        (("unit_order", "value_basis", "stream_signs", "stream_order"), []),
    ],
)
def test_turned_planes_are_told_of_a_related_pair(
    changes: tuple[str, ...], said: list[str], parent: verify.Fingerprint, tmp_path: Path
) -> None:
    """Whatever else was done; the parent's planes are still those of the child, up to turns."""
    after = changed(child(weights(0, SHAPE), 1), SHAPE, np.random.default_rng(2), *changes)
    assert codes(print_of(tmp_path, after), parent) == said


def test_turned_planes_of_a_stranger_are_not_told(parent: verify.Fingerprint, tmp_path: Path) -> None:
    """There is nothing that the turns could be told from."""
    after = changed(weights(5, SHAPE), SHAPE, np.random.default_rng(2), "phases")
    assert codes(print_of(tmp_path, after), parent) == []


def test_units_sorted_padded_or_doubled_are_told(parent: verify.Fingerprint, tmp_path: Path) -> None:
    w = weights(3, SHAPE)
    tensors = {"sorted": dict(w), "padded": dict(w), "doubled": dict(w)}
    for i in range(SHAPE.layers):
        gate, up, down = (f"model.layers.{i}.mlp.{role}_proj.weight" for role in ("gate", "up", "down"))
        order = np.argsort(np.linalg.norm(w[up], axis=1))
        tensors["sorted"] |= {gate: w[gate][order], up: w[up][order], down: w[down][:, order]}
        kept = np.arange(SHAPE.hidden) < 50
        tensors["padded"] |= {gate: w[gate] * kept[:, None], up: w[up] * kept[:, None], down: w[down] * kept}
        half = np.arange(SHAPE.hidden) // 2
        tensors["doubled"] |= {gate: w[gate][half], up: w[up][half], down: w[down][:, half] / 2}
    found = {name: codes(print_of(tmp_path / name, one), parent) for name, one in tensors.items()}
    assert found == {"sorted": ["order"], "padded": ["padding"], "doubled": ["twins"]}


def test_a_stream_without_the_dimension_that_stands_out_is_told(tmp_path: Path) -> None:
    """Only beside a model that has one: small models may have none from the start."""
    w = weights(0, SHAPE)
    w["model.embed_tokens.weight"][:, 7] *= 5
    outstanding = print_of(tmp_path / "a", w)
    rotated = print_of(tmp_path / "b", changed(w, SHAPE, np.random.default_rng(1), "stream_rotation"))
    assert codes(rotated, outstanding) == ["gains", "stream"]
    assert codes(outstanding, outstanding) == []
    assert codes(rotated, rotated) == ["gains", "gains"]


def test_fingerprints_of_the_earlier_sketch_tell_nothing(shipped: dict[str, verify.Fingerprint]) -> None:
    assert reworked(*(shipped[name].at_sketch(2) for name in ("obfuscated", "reference"))) == ()


def test_signs_are_shown_and_enter_no_number() -> None:
    """A report says that they are no evidence."""
    report = verify.test_lineage(model("obfuscated"), model("reference"))
    without = report.model_copy(update={"reworked": (), "digest": ""}).sealed()
    assert report.reworked
    assert (without.verdict, without.evidence) == (report.verdict, report.evidence)
    assert "no evidence that A and B are related" in report.to_markdown()
    assert "What was done to the files" not in without.to_markdown()


def test_a_replay_compares_them_with_weights_alone() -> None:
    pair = model("obfuscated"), model("reference")
    report = verify.test_lineage(*pair)
    assert verify.replay(report).agrees
    altered = Phrase.of("reworked.gains", model="B", norms=8, least=1.0, largest=1.0)
    forged = report.model_copy(update={"reworked": (altered,), "digest": ""}).sealed()
    assert any(kind.field == "$.reworked*" for kind in verify.replay(forged).not_checkable)
    assert not verify.replay(forged, *pair).agrees
    invented = report.model_copy(update={"reworked": (Phrase.quoted("A is stolen"),), "digest": ""}).sealed()
    assert not verify.replay(invented).agrees
