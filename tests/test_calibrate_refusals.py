"""What a table or declaration may not be is refused in one sentence, in Python and at the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import commands
from tests.calibrations import A, B, alike, labels_csv, long_csv, names, report, rows_of, square_csv, twins
from tests.commands import Run, check_refused
from verify import InputError
from verify.calibrate import MOST_SEARCHED
from verify.calibrate.table import MOST_MODELS

run = commands.run

ROWS = rows_of(alike(7))
TWINS, RECIPES = twins(9, 2)
ONE = dict.fromkeys(names(7), "one")


def refused(says: str, scores: Any = None, claim: Any = (A, B), **options: Any) -> None:
    with pytest.raises(InputError) as found:
        report(ROWS if scores is None else scores, claim, **options)
    message = str(found.value)
    assert says in message
    assert message.endswith(".")
    assert "\n" not in message
    assert ";" in message or "needs" in message  # it says what to do


@pytest.mark.parametrize(
    ("says", "scores"),
    [
        ("twice; give it once", [*ROWS, ROWS[3]]),
        ("is not symmetric", [*ROWS, (B, A, 1.0)]),
        ("no finite number", [*ROWS[1:], (A, B, float("nan"))]),
        ("no finite number", [*ROWS[1:], (A, B, float("inf"))]),
        ("no finite number", [*ROWS[1:], (A, B, "high")]),
        ("no finite number", [*ROWS[1:], (A, B, "1_0")]),
        ("no finite number", [*ROWS[1:], (A, B, True)]),
        ("no finite number", [*ROWS[1:], (A, B, "٣")]),
        ("no finite number", [*ROWS[1:], (A, B, 10**400)]),
        ("calls a model 7", [*ROWS, (7, B, 1.0)]),
        ("calls a model ''", [*ROWS, ("", B, 1.0)]),
        ("calls a model ' x'", [*ROWS, (" x", B, 1.0)]),
        ("calls a model", [*ROWS, ("x" * 201, B, 1.0)]),
        ("UTF-8", [*ROWS, ("\ud800", B, 1.0)]),
        ("a row of scores", [*ROWS, (A, B)]),
        ("a row of scores", [*ROWS, "abc"]),
        ("a key of scores", {"x": 1.0}),
        ("no score of two models", []),
        ("no score of two models", [(A, A, 1.0)]),
        ("no score of two models", {}),
        ("scores is 7", 7),
        ("names holds 0 different names", np.ones((3, 3))),
        ("no score of 'asked' and 'other', which the claim is about", [(A, B, None), *ROWS[1:]]),
        ("names the model", [*ROWS, *((f"x{i}", B, 1.0) for i in range(MOST_MODELS))]),
    ],
)
def test_a_table_that_is_none(says: str, scores: Any) -> None:
    if says == "names the model":
        says = f"names more than {MOST_MODELS} models"
    refused(says, scores)


def test_an_array_is_square_and_every_row_has_a_name() -> None:
    refused("shape (2, 3)", np.ones((2, 3)), names=[A, B])
    refused("names holds 2 different names", np.ones((3, 3)), names=[A, B, A])
    refused("array of <U1", np.full((2, 2), "x"), names=[A, B])
    refused("array of bool", np.ones((2, 2), dtype=bool), names=[A, B])
    refused("no finite number", np.full((2, 2), np.nan), names=[A, B])
    refused("names are given", ROWS, names=[A, B])


@pytest.mark.parametrize(
    ("says", "options"),
    [
        ("has no model 'nobody'", {"claim": (A, "nobody")}),
        ("twice; give two models", {"claim": (A, A)}),
        ("claim is 'asked'", {"claim": "asked"}),
        ("claim is ('asked',)", {"claim": (A,)}),
        ("closer is 'bigger'", {"closer": "bigger"}),
        ("scale is 'sqrt'", {"scale": "sqrt"}),
        ("design is 'best'", {"design": "best"}),
        ("alpha is 1", {"alpha": 1}),
        ("searched is 0", {"searched": 0}),
        ("searched is", {"searched": MOST_SEARCHED + 1}),
        ("one_per_family is 1", {"one_per_family": 1}),
        ("score_name is 3", {"score_name": 3}),
        ("created is 'today'", {"created": "today"}),
        ("no option 'desing'", {"desing": "pair"}),
        ("scale log is of scores above 0", {"scale": "log"}),
        ("scale logit is of scores above 0 and below 1", {"scale": "logit"}),
        ("scale fisher is of scores above -1 and below 1", {"scale": "fisher"}),
        ("strata names 'nobody'", {"strata": ONE | {"nobody": "one"}}),
        ("no stratum of 'model-6'", {"strata": dict.fromkeys(names(6), "one")}),
        ("no stratum of 'model-6'", {"strata": ONE | {"model-6": " "}}),
        ("strata is 5", {"strata": 5}),
        ("stratum is 3", {"strata": ONE | {A: 3}}),
        ("relatives names 'nobody'", {"relatives": [(A, "nobody")]}),
        ("a pair of relatives is", {"relatives": [(A, B, A)]}),
        ("relatives is 5", {"relatives": 5}),
        ("'asked' and 'model-2' are declared relatives", {"relatives": [(A, "model-2"), ("model-2", B)]}),
        ("'model-2' and 'model-3' are declared relatives", {"relatives": [("model-3", "model-2")]}),
        ("'asked' and 'model-3' are declared relatives", {"relatives": [("model-3", A)]}),
        ("A, 'asked', is listed in the recipe 'r'", {"recipes": {A: "r", "model-2": "r"}}),
        ("B, 'other', is listed in the recipe 'r'", {"recipes": {B: "r", "model-2": "r"}}),
        ("recipe 'r' has one model", {"recipes": {"model-2": "r"}}),
        ("recipes names 'nobody'", {"recipes": {"nobody": "r"}}),
        ("no recipe of 'model-2'", {"recipes": {"model-2": ""}}),
        ("needs recipes, and none is given", {"design": "twins"}),
        ("needs strata, and none is declared", {"design": "own_kind"}),
        ("needs strata, and none is declared", {"design": "stratum"}),
        (
            "needs 5 models in the stratum",
            {"design": "stratum_residual", "strata": ONE | {f"model-{i}": "two" for i in (2, 3, 4)}},
        ),
    ],
)
def test_an_option_that_cannot_be_used(says: str, options: dict[str, Any]) -> None:
    refused(says, **options)


def test_relatives_in_recipes_are_refused_whatever_is_asked() -> None:
    """They are neither twins nor strangers: all twins would depend on one another."""
    relatives = [("r0-x", "r1-x")]
    for one in (False, True):
        refused(
            "declared relatives, and one is of a recipe",
            TWINS,
            recipes=RECIPES,
            relatives=relatives,
            one_per_family=one,
        )


@pytest.mark.parametrize(
    ("says", "options"),
    [
        ("it needs 15 models, and there are 7", {"alpha": 0.01}),
        ("it needs 15 models, and there are 7", {"alpha": 0.1, "searched": 10}),
        ("it needs 21 models, and there are 7", {"alpha": 0.05, "design": "row_a"}),
        ("it needs 7 models in the stratum of A and B, and there are 4", {"alpha": 0.05, "strata": "within"}),
        (
            "it needs 20 pairs of a model of either stratum, and there are 3 and 4",
            {"alpha": 0.05, "strata": "between"},
        ),
    ],
)
def test_the_level_is_refused_before_a_score_is_looked_at(says: str, options: dict[str, Any]) -> None:
    """By the numbers of models alone: the scores of this table cannot be on the scale, which is not said."""
    inside = {A, B, "model-2", "model-3"} if options.get("strata") == "within" else {A, "model-2", "model-3"}
    if "strata" in options:
        options = options | {"strata": {name: "one" if name in inside else "two" for name in names(7)}}
    refused(says, scale="log", **options)


def test_too_few_recipes_are_refused_with_the_number_needed() -> None:
    refused("it needs 99 recipes, and 9 are given", TWINS, recipes=RECIPES, alpha=0.01)
    refused("it needs 19 recipes, and 9 are given", TWINS, recipes=RECIPES, alpha=0.05, scale="log")
    refused("the design 'pair'", rows_of(alike(4)))
    refused("no model to compare A and B with", [(A, B, 1.0)])


# ---- files


@pytest.mark.parametrize(
    ("says", "content"),
    [
        ("0 rows", b""),
        ("0 rows", b"\n \n"),
        ("1 rows", b"a,b,score\n"),
        ("not a CSV file in UTF-8", b"a,b,score\nx,\xff,1\n"),
        ("not a CSV file in UTF-8", b'a,b,score\nx,"y,1\n'),
        ("Row 2 of 'scores.csv' has 2 cells", b"a,b,score\nx,y\n"),
        ("neither a,b,score nor names", b"a;b;score\nx;y;1\n"),
        ("neither a,b,score nor names", b"left,right,score\nx,y,1\n"),
        ("neither a,b,score nor names", b",x,y\nx,1,2\nz,2,1\n"),
        ("neither a,b,score nor names", b",x,x\nx,1,2\nx,2,1\n"),
        ("no finite number", b"a,b,score\nx,y,one\n"),
        ("calls a model ''", b"a,b,score\n,y,1\n"),
    ],
)
def test_a_file_that_is_no_table(says: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(content)
    refused(says, path)


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused("No such file", tmp_path / "absent.csv")
    refused("Is a directory", tmp_path)
    monkeypatch.setattr("verify.calibrate.csv_file.LARGEST", 10)
    refused("more than 10 bytes", long_csv(tmp_path / "long.csv", ROWS))


def test_a_declaration_has_its_columns_and_each_name_once(tmp_path: Path) -> None:
    strata = labels_csv(tmp_path / "strata.csv", ONE, "stratum")
    refused("has the columns 'name,stratum'; give name,recipe", recipes=strata)
    refused("give a,b", relatives=strata)
    twice = long_csv(tmp_path / "twice.csv", [("r0-x", "r"), ("r0-x", "s")], ("name", "recipe"))
    refused("recipes names the model 'r0-x' twice", TWINS, recipes=twice)  # a model in two recipes
    refused(
        "strata names the model", strata=long_csv(tmp_path / "two.csv", [(A, "x"), (A, "y")], ("name", "stratum"))
    )


# ---- the command


def test_the_command_writes_a_report_that_replays(run: Run, tmp_path: Path) -> None:
    table = square_csv(tmp_path / "scores.csv", alike(16))
    out = tmp_path / "out"
    done = run("calibrate", table, "--claim", A, B, "-o", out, "--format", "json,md,tex,html", "--score-name", "cka")
    assert done.status == 0
    assert "With 95% confidence, at most" in " ".join(done.out.split())
    assert {path.name for path in out.iterdir()} == {f"report.{form}" for form in ("json", "md", "tex", "html")}
    replayed = run("replay", out / "report.json")
    assert replayed.status == 0
    assert replayed.out.startswith("The arithmetic follows from the recorded scores; whether these are the scores of")
    assert run("render", out / "report.json", "--format", "md", "-o", tmp_path / "again").status == 0
    assert (tmp_path / "again" / "report.md").read_text() == (out / "report.md").read_text()
    check_refused(run("replay", out / "report.json", "--panel", "default"), "knows its models by name alone")


def test_the_command_takes_all_that_the_function_does(run: Run, tmp_path: Path) -> None:
    table = long_csv(tmp_path / "scores.csv", [(a, b, -s) for a, b, s in TWINS])
    recipes = labels_csv(tmp_path / "recipes.csv", RECIPES, "recipe")
    options = ["--claim", A, B, "--recipes", recipes, "--alpha", "0.2", "--created", "2026-01-01T00:00:00+00:00"]
    done = run("calibrate", table, *options, "--smaller-is-closer", "--design", "twins", "--searched", "1", "--json")
    made = report(table, recipes=recipes, closer="smaller", design="twins", created="2026-01-01T00:00:00+00:00")
    assert done.out == made.to_json() + "\n"
    assert run("calibrate", table, *options, "--fail-on", made.verdict, "--smaller-is-closer").status == 3


def test_the_command_says_one_sentence_of_anything_it_cannot_use(run: Run, tmp_path: Path) -> None:
    table, out = long_csv(tmp_path / "scores.csv", ROWS), tmp_path / "out"
    check_refused(run("calibrate", table, "--claim", A, B, "-o", out), "needs 15 models, and there are 7", out)
    check_refused(run("calibrate", table, "--claim", A, "nobody", "-o", out), "has no model 'nobody'", out)
    check_refused(run("calibrate", tmp_path / "no.csv", "--claim", A, B, "-o", out), "No such file", out)
    check_refused(run("calibrate", table, "--claim", A, B, "--format", "md,tex"), "give a folder with -o")
    check_refused(run("calibrate", table, "--claim", A, B, "--fail-on", "dependent"), "similar_beyond_panel")


@pytest.mark.parametrize("twice", ["MODEL-2", "model -2", "model\u200b-2", "ｍodel-2"])
def test_one_model_under_two_names_is_refused(twice: str) -> None:
    """A copy of a model that A is far from would be one more stranger in A's row."""
    refused("differ in case", [*ROWS, (A, twice, 0.1)], design="row_a", alpha=0.2)


@pytest.mark.parametrize("what", ["strata", "recipes"])
def test_one_label_in_two_spellings_is_refused(what: str) -> None:
    """Twins of one recipe counted as two, or models of one kind as of two."""
    if what == "strata":
        refused("Strata are called 'One' and 'one'", strata=ONE | {"model-2": "One"}, alpha=0.1)
    else:
        again = {name: "R0" if recipe == "r1" else recipe for name, recipe in RECIPES.items()}
        refused("Recipes are called 'R0' and 'r0'", TWINS, recipes=again, alpha=0.1)


def test_a_score_whose_sums_may_be_infinite_is_refused() -> None:
    refused("beyond 1e+100", [*ROWS[1:], (A, B, 1e101)])
