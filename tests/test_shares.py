"""Shares of candidates in a child: what merges were made of, nothing of strangers, and which layer is from where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.__main__ import HERE
from tests import commands
from tests.checkpoints import Array
from tests.commands import Run, check_refused
from tests.models import child as trained_on
from tests.models import config, mixture, weights, write
from tests.reports import CREATED
from verify import InputError, ReportError, fingerprint, replay, share
from verify.data import model
from verify.render import FORMATS
from verify.shares import ShareReport
from verify.shares.record import ROUNDING

run = commands.run
SHAPE = {"layers": 4, "width": 48, "hidden": 96, "heads": 4, "kv_heads": 2}


def merged(*parts: tuple[float, dict[str, Array]]) -> dict[str, Array]:
    """A weighted sum of models."""
    return {
        name: np.sum([part * tensors[name].astype(np.float64) for part, tensors in parts], axis=0).astype(np.float32)
        for name in parts[0][1]
    }


def stacked(*layers: tuple[dict[str, Array], int]) -> dict[str, Array]:
    """A model of layers of others, with the tables of the first."""
    found = {name: x for name, x in layers[0][0].items() if ".layers." not in name}
    for to, (tensors, of) in enumerate(layers):
        start = f"model.layers.{of}."
        found |= {f"model.layers.{to}." + n.removeprefix(start): x for n, x in tensors.items() if n.startswith(start)}
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three strangers, and children of them, by name."""
    root, c = tmp_path_factory.mktemp("models"), config(**SHAPE)
    one, two, three = (weights(seed, c) for seed in range(3))
    models = {
        "one": one,
        "two": two,
        "three": three,
        "merge": merged((0.3, one), (0.7, two)),
        "trained": trained_on(merged((0.3, one), (0.7, two)), 5, noise=0.1),
        "child": trained_on(one, 6, noise=0.3),
        "sibling": trained_on(one, 7, noise=0.3),
    }
    for name, tensors in models.items():
        write(root / name, tensors, c)
    deep = stacked((one, 0), (one, 1), (two, 1), (two, 2), (two, 2), (one, 3))
    write(root / "stacked", deep, config(**(SHAPE | {"layers": 6})))
    return root


def shares(root: Path, child: str, *candidates: str, level: float = 0.99) -> ShareReport:
    """The shares of candidates in a child, by name."""
    return share(root / child, [root / one for one in candidates], created=CREATED, level=level)


def test_a_merge_is_a_sum_of_its_parents_and_of_no_stranger(made: Path) -> None:
    found = shares(made, "merge", "one", "two", "three")
    wholes = [one.whole for one in found.candidates]
    assert [round(whole.estimate or 0.0, 3) for whole in wholes[:2] if whole] == [0.3, 0.7]
    assert [bool(whole and whole.alone) for whole in wholes] == [False, False, True]
    assert [bool(whole and whole.excludes_zero) for whole in wholes] == [True, True, False]
    assert found.outcome == "carries_share"
    assert found.unexplained < ROUNDING
    assert len(found.sum_of) == 2
    assert found.candidates[2].fit == pytest.approx(0.0, abs=1e-3)
    for one, expected in zip(found.candidates[:2], (0.3, 0.7), strict=True):
        assert {part.part for part in one.parts} == {"mlp", "attention", "embeddings"}
        estimates = [part.share.estimate for part in one.parts] + [at.share.estimate for at in one.layers if at.share]
        assert np.allclose(np.array(estimates, dtype=float), expected, atol=1e-3)
        assert one.fit == pytest.approx(expected, abs=1e-3)


def test_what_training_added_widens_the_intervals_around_the_shares(made: Path) -> None:
    found = shares(made, "trained", "one", "two", "three")
    for one, expected in zip(found.candidates, (0.3, 0.7, 0.0), strict=True):
        assert one.whole is not None
        low, high = one.whole.interval
        assert 1e-4 < high - low < 0.2
        assert low <= expected <= high
    assert not found.sum_of
    assert "up to rounding" not in found.answer.sentence


def test_strangers_are_given_no_share(made: Path) -> None:
    found = shares(made, "three", "one", "two")
    assert found.outcome == "no_share"
    assert "No share of A1 and A2 was found in C." in found.answer.sentence
    assert found.unexplained > 0.9


def test_each_layer_is_compared_with_the_layer_that_it_came_from(made: Path) -> None:
    """A layer may come twice, and the depth may differ; what is of the other parent is not chosen."""
    found = shares(made, "stacked", "one", "two", "three")
    of = [[at.of if at.chosen else None for at in one.layers] for one in found.candidates]
    assert of == [[0, 1, None, None, None, 3], [None, None, 1, 2, 2, None], [None] * 6]
    for one, layers in zip(found.candidates, ([0, 1, 5], [2, 3, 4], []), strict=True):
        shown = [at.layer for at in one.layers if at.share is not None and at.share.excludes_zero]
        assert shown == layers
        whole = [at.share for at in one.layers if at.share is not None and at.layer in layers]
        assert all(found.estimate == pytest.approx(1.0, abs=1e-4) for found in whole)


def test_relatives_are_not_told_apart(made: Path) -> None:
    """What a child has of one of them may come from the other; a third candidate is judged beside both."""
    found = shares(made, "child", "one", "sibling", "three")
    one, sibling, three = found.candidates
    assert (one.relatives, sibling.relatives, three.relatives) == ((2,), (1,), ())
    assert one.whole is None
    assert sibling.whole is None
    assert three.whole is not None
    assert not three.whole.excludes_zero
    assert "cannot be told" in found.answer.sentence
    assert shares(made, "child", "one", "sibling").outcome == "undecided"
    alone = shares(made, "child", "one").candidates[0].whole
    assert alone is not None
    assert alone.estimate == pytest.approx(1.0, abs=0.05)


def test_a_stranger_of_the_child_gets_no_share_for_being_in_another_candidate(tmp_path: Path) -> None:
    """A model made from the child and a little of the stranger ties the stranger's order to the child."""
    c = config(**SHAPE)
    for seed in range(4):
        stranger, child = weights(2 * seed + 100, c), weights(2 * seed + 101, c)
        for name, tensors in {"A": stranger, "C": child, "B": merged((0.01, stranger), (1.0, child))}.items():
            write(tmp_path / f"{seed}{name}", tensors, c)
        found = shares(tmp_path, f"{seed}C", f"{seed}A", f"{seed}B")
        one = found.candidates[0].whole
        assert one is None or not one.excludes_zero
        assert not found.sum_of


def test_units_in_order_of_length_are_no_order(tmp_path: Path) -> None:
    """Strangers whose units are sorted by their lengths are given no share by that."""
    c, given = config(layers=2, width=24, hidden=64, heads=2, kv_heads=1), 0
    for seed in range(12):
        tensors = weights(seed + 300, c)
        sizes = np.sort(np.exp(np.random.default_rng(seed).standard_normal(64)))[:, None].astype(np.float32)
        for name in tensors:
            if name.endswith(("gate_proj.weight", "up_proj.weight")):
                tensors[name] = tensors[name] / np.linalg.norm(tensors[name], axis=1, keepdims=True) * sizes
        write(tmp_path / str(seed), tensors, c)
    for a in range(0, 12, 2):
        whole = shares(tmp_path, str(a), str(a + 1)).candidates[0].whole
        given += whole is not None and whole.excludes_zero
    assert given == 0


def test_parts_in_order_in_both_models_are_left_out(tmp_path: Path) -> None:
    """Units repeated in order, as of a model that was widened, make classes that strangers share."""
    c = config(layers=3, width=24, hidden=64, heads=2, kv_heads=1)
    for seed in range(2):
        tensors = weights(seed + 400, c)
        for name in tensors:
            if ".mlp." in name:
                axis = 1 if "down" in name else 0
                tensors[name] = np.repeat(np.take(tensors[name], range(0, 64, 4), axis=axis), 4, axis=axis)
        write(tmp_path / str(seed), tensors, c)
    found = shares(tmp_path, "0", "1")
    assert found.candidates[0].ordered == ("mlp",)
    assert "mlp" not in {part.part for part in found.candidates[0].parts}
    assert "look ordered in mlp" in found.answer.count


@pytest.mark.parametrize("level", [1e-300, 0.4, 0.99999, 1 - 2**-53])
def test_levels_that_no_interval_is_made_at_are_refused(made: Path, level: float) -> None:
    with pytest.raises(InputError, match="level is"):
        shares(made, "child", "one", level=level)
    changed = shares(made, "child", "one").facts() | {"level": level}
    with pytest.raises(ReportError, match="level"):
        ShareReport.from_json(json.dumps(changed))


def test_numbers_that_are_not_finite_are_told(tmp_path: Path) -> None:
    """They count as zeros, without a warning."""
    c = config(**SHAPE)
    tensors = weights(7, c)
    write(tmp_path / "whole", tensors, c)
    for name in ("model.layers.0.mlp.up_proj.weight", "model.layers.1.mlp.down_proj.weight"):
        tensors[name] = tensors[name].copy()
        tensors[name][::3, ::5] = np.inf
    write(tmp_path / "broken", tensors, c)
    found = shares(tmp_path, "broken", "whole")
    assert found.child.non_finite > 0
    assert found.candidates[0].model.non_finite == 0
    assert "are not finite" in found.limitations[0]


def test_the_order_of_candidates_changes_no_estimate(made: Path) -> None:
    first = shares(made, "trained", "one", "two", "three")
    second = shares(made, "trained", "three", "one", "two")
    named = [{one.model.name: one.whole for one in found.candidates} for found in (first, second)]
    for name in ("one", "two", "three"):
        a, b = (found[name] for found in named)
        assert a is not None
        assert b is not None
        assert a.estimate == pytest.approx(b.estimate, abs=1e-9)
        assert a.interval == pytest.approx(b.interval, abs=1e-6)


@settings(max_examples=8)
@given(st.floats(-0.5, 1.5), st.integers(0, 99))
def test_any_share_is_found(tmp_path_factory: pytest.TempPathFactory, part: float, seed: int) -> None:
    root, c = tmp_path_factory.mktemp("any"), config(layers=2, width=32, hidden=64, heads=4, kv_heads=2)
    parent, rest = weights(seed, c), weights(seed + 1000, c)
    write(root / "child", merged((part, parent), (1.0, rest)), c)
    write(root / "parent", parent, c)
    whole = shares(root, "child", "parent", level=0.9999).candidates[0].whole
    assert whole is not None
    assert whole.interval[0] <= part <= whole.interval[1]


def test_layers_of_a_candidate_that_are_copies_are_permuted_as_one(tmp_path: Path) -> None:
    """A stranger of eight copies of one layer beside another such one: one order counts once, not eight times."""
    c = config(layers=8, width=24, hidden=16, heads=2, kv_heads=1)
    strangers = [weights(seed, config(layers=1, width=24, hidden=16, heads=2, kv_heads=1)) for seed in range(40, 64)]
    for n, tensors in enumerate(strangers):
        write(tmp_path / str(n), stacked(*[(tensors, 0)] * 8), c)
    low = 0
    for a in range(0, len(strangers), 2):
        whole = shares(tmp_path, str(a), str(a + 1), level=0.9).candidates[0].whole
        low += whole is None or whole.p <= 0.01
    assert low <= 2


def test_experts_have_shares(tmp_path: Path) -> None:
    c = config(family="qwen2_moe", experts=4, shared=32, hidden=32, layers=2, width=32)
    one, two = (mixture(seed, c) for seed in range(2))
    for name, tensors in {"one": one, "two": two, "merge": merged((0.4, one), (0.6, two))}.items():
        write(tmp_path / name, tensors, c)
    found = shares(tmp_path, "merge", "one", "two")
    assert [round(one.whole.estimate or 0, 3) for one in found.candidates if one.whole] == [0.4, 0.6]


def test_trained_models_that_come_with_the_library() -> None:
    """A merge is given back; a distilled model, another seed's, and a copy in another order have no share."""
    merge = share(model("merged-stranger"), [model("reference"), model("stranger-1"), model("stranger-2")])
    assert [round(one.whole.estimate or 0, 3) for one in merge.candidates[:2] if one.whole] == [0.3, 0.7]
    assert [bool(one.whole and one.whole.excludes_zero) for one in merge.candidates] == [True, True, False]
    assert merge.outcome == "carries_share"
    for name in ("distilled", "obfuscated", "stranger-1"):
        assert share(model(name), [model("reference")]).outcome == "no_share"
    assert share(model("same-seed"), [model("reference")]).outcome == "carries_share"


def test_a_report_is_read_again_and_fits_its_schema(made: Path, tmp_path: Path) -> None:
    found = shares(made, "stacked", "one", "three")
    found.to_json(tmp_path / "report.json")
    assert ShareReport.from_json(tmp_path / "report.json") == found
    assert shares(made, "stacked", "one", "three").to_json() == found.to_json()
    schema = json.loads((HERE / "share-1.schema.json").read_text())
    Draft202012Validator(schema).validate(json.loads(found.to_json()))
    altered = found.to_json().replace('"level":0.99', '"level":0.98')
    with pytest.raises(ReportError, match="altered"):
        ShareReport.from_json(altered)


def test_a_report_is_made_again_from_the_weights(made: Path) -> None:
    found = shares(made, "merge", "one", "three")
    assert replay(found).status == "arithmetic_agrees"
    assert "no share was computed again" in replay(found).sentence
    again = replay(found, made / "merge", candidates=[made / "one", made / "three"])
    assert again.status == "agrees"
    candidates = found.candidates[0].model_copy(update={"fit": 0.9}), found.candidates[1]
    forged = found.model_copy(update={"candidates": candidates}).sealed()
    other = replay(forged, made / "merge", candidates=[made / "one", made / "three"])
    assert [one.field for one in other.disagreements] == ["$.candidates[0].fit"]
    swapped = replay(found, made / "merge", candidates=[made / "two", made / "three"])
    assert swapped.status == "disagrees"
    for missing in ([], [made / "one"]):
        with pytest.raises(InputError, match="each candidate"):
            replay(found, made / "merge", candidates=missing)


@pytest.mark.parametrize(
    ("child", "candidates", "level"),
    [
        ("merge", ("one",), 0.99),
        ("merge", ("one", "two", "three"), 0.9),
        ("stacked", ("two", "one"), 0.95),
        ("child", ("one", "sibling", "two"), 0.99),
        ("one", ("stacked",), 0.5),
    ],
)
def test_what_follows_from_a_report_is_computed_again(
    made: Path, child: str, candidates: tuple[str, ...], level: float
) -> None:
    assert replay(shares(made, child, *candidates, level=level)).disagreements == ()


def without_zero(report: dict[str, Any]) -> None:
    report["candidates"][1]["whole"] |= {"low": 0.2, "estimate": 0.3, "high": 0.4}


FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "$.permutations": lambda r: r.update(permutations=99999),
    "$.candidates[0].whole.p": lambda r: r["candidates"][0]["whole"].update(p=0.5),
    "$.candidates[1].whole.p": without_zero,
    "$.candidates[0].whole.units": lambda r: r["candidates"][0]["whole"].update(units=9),
    "$.candidates[0].layers": lambda r: r["candidates"][0]["layers"].pop(),
    "$.candidates[0].layers[1].of": lambda r: r["candidates"][0]["layers"][1].update(of=77),
    "$.candidates[1].layers[2].of": lambda r: r["candidates"][1]["layers"][2].update(of=0, chosen=False),
    "$.candidates[0].parts": lambda r: r["candidates"][0]["parts"].reverse(),
    "$.candidates[0].ordered": lambda r: r["candidates"][0].update(ordered=["mlp"]),
    "$.candidates[0].relatives": lambda r: r["candidates"][0].update(
        relatives=[2], whole=None, parts=[], layers=[], ordered=[]
    ),
    "$.candidates[0].model.architecture.width": lambda r: r["candidates"][0]["model"]["architecture"].update(width=9),
}


@pytest.mark.parametrize("field", FORGERIES)
def test_a_resealed_report_that_could_not_be_is_named(made: Path, field: str) -> None:
    content = json.loads(shares(made, "merge", "one", "three").to_json())
    FORGERIES[field](content)
    forged = ShareReport.model_validate(content).sealed()
    found = replay(forged)
    assert field in [one.field for one in found.disagreements]
    assert found.sentence == "DISAGREES with the record alone"


@pytest.mark.parametrize("form", [name for name, form in FORMATS.items() if not form.claims_only and name != "pdf"])
def test_every_format_has_the_shares(made: Path, form: str) -> None:
    text = shares(made, "merge", "one", "two").to(form).decode()
    assert "0.300" in text if form != "json" else '"estimate":0.3' in text


def test_the_command_gives_the_answer_and_the_pages(run: Run, made: Path, tmp_path: Path) -> None:
    status, out, err = vars(
        run("share", made / "merge", made / "one", made / "two", "-o", tmp_path / "page")
    ).values()
    assert (status, err) == (0, "")
    assert "C is up to rounding a sum of A1 0.300 [0.300, 0.300] and A2 0.700 [0.700, 0.700]." in " ".join(
        out.split()
    )
    assert {file.name for file in (tmp_path / "page").iterdir()} == {"report.json", "report.html", "report.md"}
    report = tmp_path / "page" / "report.json"
    given = ("--a", made / "merge", "--candidate", made / "one", "--candidate", made / "two")
    assert run("replay", report, *given).status == 0
    assert run("render", report, "-o", tmp_path / "again", "--format", "html").status == 0
    again, first = (tmp_path / folder / "report.html" for folder in ("again", "page"))
    assert again.read_text() == first.read_text()
    assert run("share", made / "three", made / "one", "--fail-on", "no_share").status == 3


def test_no_signer_is_asked_for_where_no_fingerprint_will_do(run: Run, made: Path) -> None:
    assert "--signer" not in run("share", "--help").out
    assert "--signer" in run("inspect", "--help").out
    check_refused(run("share", made, made, "--signer", made), "No such option")


def test_what_cannot_be_compared_is_refused(run: Run, made: Path, tmp_path: Path) -> None:
    write(tmp_path / "wide", weights(0, config(**(SHAPE | {"width": 64}))), config(**(SHAPE | {"width": 64})))
    write(tmp_path / "one", weights(9, config(**SHAPE)), config(**SHAPE))
    fingerprint(made / "one").save(tmp_path / "print")
    check_refused(run("share", made / "merge", tmp_path / "wide"), "wide is of width 64, and merge of 48")
    assert run("share", made / "merge", made / "one", tmp_path / "one").status == 0  # of one name
    check_refused(run("share", made / "merge", tmp_path / "print"), "is a fingerprint")
    check_refused(run("share", made / "merge", made / "one", "--level", "1"), "level is 1.0; give")
    check_refused(run("share", made / "merge", made / "one", "--seed", "0"), "seed is 0; give")
    with pytest.raises(InputError, match="candidates is"):
        share(made / "merge", [])
    with pytest.raises(InputError, match="leave B and the panel out"):
        replay(shares(made, "merge", "one"), made / "merge", made / "one")
