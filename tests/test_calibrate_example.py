"""The tables of examples/calibrate give, in one command each, the p-values that the page of the dispute prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from examples.calibrate.generate import (
    CORRELATIONS,
    HERE,
    command_among_translators,
    command_of_known,
    generate,
    known,
    populations,
)
from examples.dispute.correlations import read_rows
from examples.dispute.generate import read_results
from examples.dispute.populations import KNOWN_CLAIMS
from tests import commands
from tests.commands import Run
from verify import CalibrationReport, replay

run = commands.run

BASE_RATE = read_results()["base_rate"]
POPULATIONS = populations(read_rows(CORRELATIONS))


def test_the_tables_and_the_page_are_what_the_script_makes(tmp_path: Path) -> None:
    generate(tmp_path)
    made = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert len(made) == 11
    assert {name: (HERE / name).read_text("utf-8") for name in made} == made


@pytest.mark.parametrize("claim", KNOWN_CLAIMS)
def test_one_command_gives_the_ranks_of_the_dispute(claim: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    done = run("calibrate", *command_of_known(claim), "--json")
    found = CalibrationReport.from_json(done.out)
    printed = BASE_RATE["known"][claim]
    for design, kind in (("pair", "raw"), ("pair_residual", "residual")):
        rank = found.ranks[design]
        assert {"rank": rank.rank, "size": rank.size} == printed[kind]
    assert found.evidence.score == float(printed["r"])
    assert replay(done.out).agrees


@pytest.mark.parametrize("label", POPULATIONS)
def test_one_command_gives_the_p_values_among_translators(
    label: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(HERE)
    found = json.loads(run("calibrate", *command_among_translators(label), "--json").out)
    printed = next(one for one in BASE_RATE["opus"] if label.endswith(one["label"]))
    rank = next(one for one in found["evidence"]["ranks"] if one["design"] == "twins")
    assert {"rank": rank["rank"], "size": rank["size"]} == printed["rank"]
    assert found["evidence"]["false_match"]["bound"] == pytest.approx(printed["bound"], rel=1e-9)
    assert found["verdict"] == "no_evidence"  # the page takes no side


def test_one_model_for_each_family_stands_in_the_null() -> None:
    found = known("vit")
    assert len({model.family for model in found.evidence.models[2:]}) == len(found.evidence.models) - 2 == 17
