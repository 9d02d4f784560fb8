"""The GitHub Action: its steps are run, as they stand in the file, in a repository with models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from tests.documents import published
from tests.models import child, config, weights, write
from tests.workflow import ACTION, STEPS, Ran, bin_of_this_environment, commands_in, run_step
from verify import ClaimReport

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")

Act = Callable[..., Ran]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A parent; a child that declares it, and one that does not; a stranger; and a folder with a hostile name."""
    root, c = tmp_path_factory.mktemp("repository"), config()
    made = {"parent": weights(0, c), "child": child(weights(0, c), 1), "quiet": child(weights(0, c), 2)}
    made |= {"stranger": weights(3, c), "::error::x": weights(4, c)}
    for name, w in made.items():
        write(root / "models" / name, w, c)
    (root / "models" / "child" / "README.md").write_text("---\nlicense: mit\nbase_model: o/parent\n---\n")
    return root


@pytest.fixture
def act(repository: Path, tmp_path: Path) -> Act:
    """Run the step that compares, on some models and with other inputs."""
    programs = bin_of_this_environment(tmp_path / "bin")

    def call(*models: str, **inputs: str) -> Ran:
        values = {"steps.install.outputs.bin": str(programs), "inputs.models": "\n".join(models)}
        given = {"output": str(tmp_path / "out")} | inputs
        values |= {f"inputs.{name.replace('_', '-')}": value for name, value in given.items()}
        return run_step(STEPS[1], repository, tmp_path, values)

    return call


def test_the_action_is_one() -> None:
    """By the schema of GitHub's actions."""
    schema = published("https://json.schemastore.org/github-action.json")
    jsonschema.validators.validator_for(schema)(schema).validate(ACTION)


def test_no_input_is_pasted_into_a_command() -> None:
    """A shell sees inputs in its environment only, where they are no commands."""
    assert all("${{" not in step["run"] for step in STEPS)
    wanted = {name for step in STEPS for name in step["env"].values() if "inputs." in name}
    assert wanted == {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]}


def test_two_models_are_a_report(act: Act, tmp_path: Path) -> None:
    """Its page is the summary of the job, its annotation stands at the card, its verdict is an output."""
    ran = act("models/quiet", "models/parent", formats="sarif,card,html")
    assert ran.status == 0, ran.log
    assert ran.outputs == {"report": str(tmp_path / "out"), "outcome": "dependent"}
    names = {"json", "md", "github.txt", "sarif", "card.md", "badge.svg", "html"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"report.{name}" for name in names}
    assert ran.summary == (tmp_path / "out" / "report.md").read_text()
    (command,) = commands_in(ran.log)
    assert command.startswith("::warning file=models/quiet/config.json,line=1,title=RELATED%3A quiet (A)")
    assert ClaimReport.from_json(tmp_path / "out" / "report.json").undeclared
    located = json.loads((tmp_path / "out" / "report.sarif").read_text())["runs"][0]["results"][0]["locations"][0]
    assert located["physicalLocation"]["artifactLocation"]["uri"] == "models/quiet/config.json"


@pytest.mark.parametrize(
    ("models", "fail_on", "status"),
    [
        (("models/quiet", "models/parent"), "undeclared", 3),
        (("models/child", "models/parent"), "undeclared", 0),
        (("models/child", "models/parent"), "no_evidence,dependent", 3),
        (("models/stranger", "models/parent"), "undeclared,dependent", 0),
        (("models/stranger", "models/parent"), "acquitted", 2),
        (("models/gone", "models/parent"), "", 2),
    ],
)
def test_it_fails_on_what_it_is_told_to(act: Act, models: tuple[str, ...], fail_on: str, status: int) -> None:
    """With the status of the command, and a reason in the log; a declared relation is no failure."""
    ran = act(*models, fail_on=fail_on)
    assert ran.status == status, ran.log
    told = [line for line in commands_in(ran.log) if line.startswith("::error ")]
    assert len(told) == (status == 3)
    assert bool(ran.outputs) == bool(ran.summary) == (status != 2)


def test_a_declared_child_is_marked_where_it_declares(act: Act) -> None:
    """As a notice, not a warning."""
    (command,) = commands_in(act("models/child", "models/parent").log)
    assert command.startswith("::notice file=models/child/README.md,line=3,")


def test_more_models_are_a_screen(act: Act, tmp_path: Path) -> None:
    """One a line, whatever white space and empty lines are around them."""
    ran = act("", "  models/quiet\r", "models/parent  ", "\tmodels/stranger", "", fail_on="undeclared")
    assert ran.status == 3, ran.log
    assert ran.outputs == {"report": str(tmp_path / "out")}
    assert ran.summary == (tmp_path / "out" / "summary.md").read_text() != ""


HOSTILE = [
    "$(touch {here}/harm)",
    "`touch {here}/harm`",
    "; touch {here}/harm;",
    "models/parent; touch {here}/harm",
    "'\"; touch {here}/harm; '\"",
    "--output={here}/harm",
    "-o{here}/harm",
    "${{ github.token }}",
    "$BIN",
]


@pytest.mark.parametrize("where", ["models", "formats", "fail_on"])
def test_no_input_is_a_command_or_an_option(act: Act, tmp_path: Path, where: str) -> None:
    """Each of them is a model that is not there, a format or an outcome that is none."""
    texts = [text.replace("{here}", str(tmp_path)) for text in HOSTILE]
    ran = act(*texts) if where == "models" else act("models/quiet", "models/parent", **{where: ",".join(texts)})
    assert ran.status == 2, ran.log
    assert not (tmp_path / "harm").exists()
    assert "such option" not in ran.log


@pytest.mark.parametrize("text", ["a\nreport=b", "a\r\nb", ""])
def test_an_output_is_one_line(act: Act, text: str) -> None:
    """Else it would set outputs of its own."""
    ran = act("models/quiet", "models/parent", output=text)
    assert (ran.status, ran.outputs) == (2, {})


@pytest.mark.parametrize("others", [("models/parent",), ("models/parent", "models/quiet")])
def test_a_models_name_is_no_workflow_command(act: Act, others: tuple[str, ...]) -> None:
    """The runner carries out what stands at the start of a line, and names of models may come to stand there."""
    ran = act("models/::error::x", *others)
    assert ran.status == 0, ran.log
    assert not [line for line in commands_in(ran.log) if line.startswith("::error")]
    assert "::error::x" in ran.log + ran.summary
    assert commands_in("::error::x\n  ::add-mask::y") == ["::error::x", "::add-mask::y"]


@pytest.mark.parametrize(
    ("inputs", "installed"),
    [
        ({}, "{source}[hub]"),
        ({"inputs.extras": ""}, "{source}"),
        ({"inputs.version": "1.2.0rc1"}, "verify-lineage[hub]==1.2.0rc1"),
        ({"inputs.version": "1.2", "inputs.extras": "gguf,onnx"}, "verify-lineage[gguf,onnx]==1.2"),
        ({"inputs.version": "1.2 @ https://example.org/x"}, None),
        ({"inputs.extras": "hub] --index-url=https://example.org/x ["}, None),
        ({"inputs.version": "$(touch harm)"}, None),
    ],
)
def test_what_is_installed(tmp_path: Path, inputs: dict[str, str], installed: str | None) -> None:
    """The action's own source, or a version from PyPI, and no other place; seen by a pip that only notes it.

    ``python -m tests.outside action`` runs the step with the real one.
    """
    tools = tmp_path / "tools"
    tools.mkdir()
    python = tools / "python3"
    noted = tmp_path / "noted"
    made = 'mkdir -p "$3/bin"; cp "$0" "$3/bin/python"'
    python.write_text(f'#!/bin/sh\nif [ "$2" = venv ]; then {made}; else echo "$@" > "{noted}"; fi\n')
    python.chmod(0o755)
    values = {"github.action_path": "/the/action's source"} | inputs
    step = STEPS[0] | {"run": f'PATH="{tools}:$PATH"\n' + STEPS[0]["run"]}
    ran = run_step(step, tmp_path, tmp_path, values)
    if installed is None:
        assert (ran.status, ran.outputs, noted.exists()) == (2, {}, False)
    else:
        assert ran.status == 0, ran.log
        assert noted.read_text().strip().endswith(installed.replace("{source}", "/the/action's source"))
        assert (Path(ran.outputs["bin"]) / "python").exists()
