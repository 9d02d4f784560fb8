"""The pre-commit hooks, run by pre-commit in a repository of models."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.documents import ROOT, published
from tests.models import child, config, weights, write
from tests.reports import CREATED
from tests.workflow import bin_of_this_environment
from verify import test_lineage

HOOKS = ROOT / ".pre-commit-hooks.yaml"

pytest.importorskip("pre_commit", reason="pre-commit is not installed")
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> str:
    """Git, whatever is configured on this machine."""
    identity = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    environment = os.environ | dict.fromkeys(identity, "test") | {"GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-c", "init.defaultBranch=main", "-c", "core.hooksPath=/dev/null", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with our hooks, in the language of programs that are there: nothing is downloaded.

    ``python -m tests.outside hook`` runs them as they are, which installs the library.
    """
    folder = tmp_path_factory.mktemp("hooks")
    git(folder, "init", "--quiet")
    (folder / HOOKS.name).write_text(HOOKS.read_text().replace("language: python", "language: system"))
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "hooks")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of models, and a report on two of them."""
    folder, c = tmp_path_factory.mktemp("models"), config()
    git(folder, "init", "--quiet")
    made = {"parent": weights(0, c), "child": child(weights(0, c), 1), "quiet": child(weights(0, c), 2)}
    for name, w in (made | {"stranger": weights(3, c)}).items():
        write(folder / name, w, c)
    (folder / "child" / "README.md").write_text("---\nbase_model: o/parent\n---\n")
    test_lineage(folder / "child", folder / "parent", created=CREATED).to_json(folder / "report.json")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "models")
    return folder


def hook(
    hooks: Path, models: Path, scratch: Path, name: str, *arguments: str, files: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run one hook by pre-commit, in the repository as it stands."""
    settings = {"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD")}
    settings |= {"hooks": [{"id": name, "args": list(arguments), "verbose": True}]}  # type: ignore[dict-item]
    configuration = scratch / "config.yaml"
    configuration.write_text(yaml.safe_dump({"repos": [settings]}))
    path = os.pathsep.join([str(bin_of_this_environment(scratch / "bin")), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "GIT_CONFIG_GLOBAL": os.devnull}
    environment["PRE_COMMIT_HOME"] = str(scratch / "home")
    command = ["python", "-m", "pre_commit", "run", "--config", str(configuration), "--color", "never", name]
    command[0] = str(scratch / "bin" / "python")
    which = ["--files", files] if files else ["--all-files"]
    return subprocess.run(
        [*command, *which], cwd=models, env=environment, capture_output=True, text=True, check=False
    )


def test_the_hooks_are_hooks() -> None:
    """By the schema of pre-commit's manifests; no file name is passed on, which might be an option."""
    found: list[dict[str, Any]] = yaml.safe_load(HOOKS.read_text())
    schema = published("https://json.schemastore.org/pre-commit-hooks.json")
    jsonschema.validators.validator_for(schema)(schema).validate(found)
    assert all(one["language"] == "python" and one["pass_filenames"] is False for one in found)


@pytest.mark.parametrize(
    ("name", "arguments", "status", "says"),
    [
        ("verify-lineage", ("quiet", "parent", "--fail-on", "undeclared"), 1, "RELATED"),
        ("verify-lineage", ("child", "parent", "--fail-on", "undeclared"), 0, "RELATED"),
        ("verify-lineage", ("stranger", "parent", "--fail-on", "undeclared"), 0, "NO SIGN OF A RELATION FOUND"),
        ("verify-lineage", ("gone", "parent"), 1, "'gone'"),
        ("verify-screen", ("quiet", "parent", "stranger", "--fail-on", "dependent"), 1, ""),
        ("verify-replay", ("report.json",), 0, "fields compared"),
    ],
)
def test_a_hook_passes_or_fails_as_its_command_does(
    hooks: Path, models: Path, tmp_path: Path, name: str, arguments: tuple[str, ...], status: int, says: str
) -> None:
    """And shows what that says."""
    done = hook(hooks, models, tmp_path, name, *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    assert says in done.stdout
    assert ("Passed" in done.stdout) == (status == 0)


def test_a_hook_runs_only_where_weights_or_cards_change(hooks: Path, models: Path, tmp_path: Path) -> None:
    """Comparing models takes seconds, which a change of something else need not cost."""
    done = hook(hooks, models, tmp_path, "verify-lineage", "gone", "parent", files="child/config.json")
    assert (done.returncode, "Skipped" in done.stdout) == (0, True), done.stdout
