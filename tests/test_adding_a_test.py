"""An exact test is one file and one line of the registry: everything else learns of it from what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import verify
from tests.strategies import architecture, fingerprint_of, gpt2_like, moe_like, random_arrays, stranger
from verify import Fingerprint
from verify.base import Phrase
from verify.checkpoint import Architecture
from verify.screen import first_stage, sketches
from verify.statistics import (
    EXACT_TESTS,
    SIGN_AGREEMENT,
    UNIT_IDENTITY,
    Counted,
    ExactResult,
    Source,
    Statistic,
    exact_results,
    remade,
    words_of,
)
from verify.statistics.applicability import both_mlps, first, same_width
from verify.statistics.blocks import BlocksByLayer, mlp_grid, units
from verify.statistics.groups import groups
from verify.statistics.statistic import Evidence, identity_evidence

DOWN = """\"\"\"A toy exact test, whole in this file: hidden units that kept their index, by what they write.\"\"\"

from ..fingerprint import Fingerprint
from .applicability import both_mlps, first, same_width
from .blocks import mlp_grid
from .groups import groups
from .hypotheses import EQUIVARIANT_TRAINING, NOT_ARRANGED
from .statistic import Evidence, Statistic, identity_evidence


def _component(model):
    return mlp_grid(model, lambda layer, block: ([], [f"units.{layer}.{block}.down"]))


def _refuse(a: Fingerprint, b: Fingerprint) -> str | None:
    return first(same_width(a, b), both_mlps(a, b))


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    return identity_evidence([groups(_component, a, b)])


DOWN_IDENTITY = Statistic(
    id="down_identity",
    version=1,
    title="Hidden units at the same index, by what they write",
    null="The order of the hidden units of one model carries no information about their order in the other.",
    assumptions=(EQUIVARIANT_TRAINING.format(group="permutations of hidden units"), NOT_ARRANGED),
    survives="as unit_identity",
    blind_to="as unit_identity",
    refuse=_refuse,
    run=_run,
)
"""
SCRIPT = """
import verify
from verify.data import model

for names in (("fine-tuned", "reference"), ("stranger-1", "reference")):
    for effort in ("full", "screen"):
        report = verify.test_lineage(*map(model, names), effort=effort)
        test = report.tests["down_identity"]
        assert test.applicable == (effort == "full")
        if test.applicable:
            assert sum(count.n for count in test.counts) > 0
        else:
            assert test.reason.code == "not_held"
        outcome = verify.replay(report)
        assert outcome.agrees, outcome.disagreements
found = verify.screen([model(name) for name in ("reference", "fine-tuned", "stranger-1")])
assert [family.members for family in found.families] == [("fine-tuned", "reference")]
assert all(row.tests["down_identity"] is None for row in found.pairs)
"""


def test_one_file_and_one_line_of_the_registry_are_enough(tmp_path: Path) -> None:
    """Reports, replays and screens know the test; at screen effort, which holds nothing of it, it does not apply."""
    copy = tmp_path / "verify"
    shutil.copytree(Path(verify.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "statistics" / "down_identity.py").write_text(DOWN, encoding="utf-8")
    registry = copy / "statistics" / "exact_tests.py"
    text = registry.read_text(encoding="utf-8")
    for before, added in (
        ("from .expert_identity", "from .down_identity import DOWN_IDENTITY\nfrom .expert_identity"),
        ("    STREAM_IDENTITY,\n", "    STREAM_IDENTITY,\n    DOWN_IDENTITY,\n"),
    ):
        assert before in text
        text = text.replace(before, added, 1)
    registry.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


# ---- the same in one process: a user's own statistic


def _down(model: Fingerprint) -> BlocksByLayer:
    return mlp_grid(model, lambda layer, block: ([], [f"units.{layer}.{block}.down"]))


def _run(a: Fingerprint, b: Fingerprint) -> Evidence:
    return identity_evidence([groups(_down, a, b)])


OWN = Statistic(
    id="own",
    version=1,
    title="My own test",
    null="Nothing.",
    assumptions=("None.",),
    survives="all",
    blind_to="nothing",
    refuse=lambda a, b: first(same_width(a, b), both_mlps(a, b)),
    run=_run,
)
LATENT = {"latent": 20, "kv_heads": 4, "rotary": "interleaved", "rotary_size": 4, "key_size": 12}
SHAPES = [
    architecture(),
    gpt2_like(),
    moe_like(),
    architecture(family="turned", rotary="half", rotary_size=12),
    architecture(family="latent", **LATENT),
]


def applicable(test: Statistic) -> tuple[Fingerprint, Fingerprint]:
    """Two strangers that a test applies to."""
    pairs = ((stranger(1, shape), stranger(2, shape)) for shape in SHAPES)
    return next(pair for pair in pairs if test.refusal(*pair) is None)


def bare(model: Fingerprint) -> Fingerprint:
    """Its record alone."""
    return Fingerprint(model.record, {})


def at_screen(model: Fingerprint) -> Fingerprint:
    """As a fingerprint of the smallest effort."""
    return model.at("screen")


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.family)
def test_a_users_own_statistic_is_tested_like_the_librarys(shape: Architecture) -> None:
    """It brings its words; those in the registry do not."""
    arrays = random_arrays(np.random.default_rng(0), shape)
    a = b = fingerprint_of(arrays, shape)
    own, *others = exact_results([OWN, *EXACT_TESTS], a, b)
    assert own.words == OWN.words == words_of(own)
    assert all(result.words is None for result in others)
    assert own.log10_p is not None
    assert own.log10_p < -8


@pytest.mark.parametrize("test", [*EXACT_TESTS, OWN], ids=lambda t: t.id)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s.family)
@pytest.mark.parametrize("cut", [lambda m: m, at_screen], ids=["full", "screen"])
def test_a_result_follows_from_its_counts_and_the_records(
    test: Statistic, shape: Architecture, cut: type[Fingerprint]
) -> None:
    """Nothing is read of a test but what it says of itself, nor of models but their records."""
    a, b = (cut(stranger(seed, shape)) for seed in (1, 2))
    result = test(a, b)
    assert remade(test, result, bare(a), bare(b), -3.0) == (result, [])


@pytest.mark.parametrize("test", [*EXACT_TESTS, OWN], ids=lambda t: t.id)
def test_an_impossible_count_shows(test: Statistic) -> None:
    """More matches than indices, more groups than indices, fewer indices than two dense models share."""
    a, b = applicable(test)
    result = test(a, b)
    for field, value in (("count", -1), ("count", 10**6), ("n", -1), ("n", 2**52), ("groups", 2**52), ("live", -1)):
        changed = result.counts[0].model_copy(update={field: value})
        forged = result.model_copy(update={"counts": (changed, *result.counts[1:])})
        if result.by_layer:
            row = result.by_layer[0].model_copy(update={field: value})
            forged = forged.model_copy(update={"by_layer": (row, *result.by_layer[1:])})
        made, problems = remade(test, forged, bare(a), bare(b), -3.0)
        assert made != forged or problems, (field, value)
    empty = result.model_copy(update={"counts": (), "by_layer": (), "applicable": False})
    made, problems = remade(test, empty, bare(a), bare(b), -3.0)
    may_be_none = all(count.law == "signs" for count in result.counts)  # where every difference is zero
    told = [field for field, _, _ in problems]
    assert (
        may_be_none or made.counts[0].n == result.counts[0].n or told in (["counts[0].n"], ["counts[0].n", "places"])
    )
    assert made != empty


@pytest.mark.parametrize("test", EXACT_TESTS, ids=lambda t: t.id)
def test_counts_beyond_what_models_hold_are_cut(test: Statistic) -> None:
    """A million matches, made consistent in counts and layers, would otherwise have a p-value without meaning."""
    a, b = applicable(test)
    result, many = test(a, b), 10**6
    absurd = {"count": many, "n": many, "live": None}
    counts = tuple(count.model_copy(update=absurd) for count in result.counts)
    rows = tuple(row.model_copy(update={**absurd, "count": many // len(result.by_layer)}) for row in result.by_layer)
    forged = result.model_copy(update={"counts": counts, "by_layer": rows})
    made, _ = remade(test, forged, bare(a), bare(b), -3.0)
    assert all(count.n < many // 100 for count in made.counts)
    assert made != forged


@pytest.mark.parametrize("test", [*EXACT_TESTS, OWN], ids=lambda t: t.id)
def test_what_cannot_be_set_aside_is_not(test: Statistic) -> None:
    """A code of another test's, or of none, shows; layers out of order are put in order."""
    a, b = applicable(test)
    result = test(a, b)
    strange = result.model_copy(update={"set_aside": ("whatever",)})
    assert remade(test, strange, bare(a), bare(b), -3.0)[0] == result
    turned = result.model_copy(update={"by_layer": result.by_layer[::-1]})
    assert remade(test, turned, bare(a), bare(b), -3.0)[0] == result


def test_a_test_that_reads_what_the_effort_lacks_does_not_apply_and_costs_nothing() -> None:
    """Decided from records alone, before any score."""
    a, b = (at_screen(stranger(seed)) for seed in (1, 2))
    for x, y in ((a, b), (bare(a), bare(b))):
        assert OWN.refusal(x, y) == Phrase.of("not_held", effort="screen")
    assert OWN(a, b) == OWN.refused(Phrase.of("not_held", effort="screen"))
    assert OWN.refusal(stranger(1), stranger(2)) is None


def test_text_that_a_statistic_refuses_with_is_quoted() -> None:
    test = replace(OWN, refuse=lambda *_: "it is Sunday")
    assert test(stranger(1), stranger(2)).reason == Phrase.quoted("it is Sunday")


def test_words_of_an_unknown_statistic_are_neutral() -> None:
    assert "does not know" in words_of(ExactResult(id="new", version=9, applicable=False)).null


def _says(*counts: Counted) -> Callable[[Fingerprint, Fingerprint], tuple[Counted, ...]]:
    return lambda *_: counts


@pytest.mark.parametrize(
    "liar",
    [
        replace(UNIT_IDENTITY, counts=_says(Counted("signs"))),
        replace(UNIT_IDENTITY, counts=_says(Counted("fixed_points"), Counted("signs"))),
        replace(UNIT_IDENTITY, counts=_says(Counted("fixed_points", most=3))),
        replace(UNIT_IDENTITY, counts=_says(Counted("fixed_points", most_groups=1))),
        replace(UNIT_IDENTITY, counts=_says(Counted("fixed_points", least=10**6))),
        replace(UNIT_IDENTITY, counts=_says(Counted("fixed_points", left_out=Phrase.of("layer_norm")))),
        replace(UNIT_IDENTITY, localised=False),
        replace(SIGN_AGREEMENT, localised=True, counts=_says(Counted("signs", "hidden units"))),
    ],
)
def test_a_statistic_that_counts_otherwise_than_it_says_is_caught(liar: Statistic) -> None:
    """What it says is all that a check of its result rests on."""
    a, b = stranger(1), stranger(2)
    honest = next(test for test in EXACT_TESTS if test.id == liar.id)(a, b)
    noted = honest.model_copy(update={"by_layer": ()}) if not liar.localised else honest
    assert remade(liar, noted, bare(a), bare(b), -3.0) != (honest, [])


def test_a_screen_counts_what_a_statistic_says_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its readers of blocks; one that does not say is left to the second stage."""
    says = replace(OWN, id="says", counts=_says(Counted("fixed_points", sources=(Source("my units", units),))))
    monkeypatch.setattr(first_stage, "EXACT_TESTS", (OWN, says))
    sketch = sketches.first_sketch(stranger(1))
    (only,) = first_stage.tallied([sketch], [sketch], first_stage.reader())
    assert (only.statistic, only.counts[0, 0]) == ("my units", only.n[0, 0])
