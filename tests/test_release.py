"""What is released, as far as it can be told from the tree; ``python -m tests.release`` tries the rest."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tomllib
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.version import Version

import verify

from . import release
from .documents import validator
from .lanes import declared, lowest
from .release import PROGRAM, expected, one_version, reported

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
numbers = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda parts: ".".join(map(str, parts)))


def test_the_version_is_stated_alike_wherever_it_is_stated() -> None:
    one_version(Path(f"verify_lineage-{verify.__version__}-py3-none-any.whl"))


def test_a_version_that_is_stated_elsewhere_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"is of version 9\.9, but .*CITATION\.cff"):
        one_version(Path("verify_lineage-9.9-py3-none-any.whl"))


def test_every_requirement_has_an_oldest_release_that_it_admits() -> None:
    requirements = declared()
    floors = lowest(requirements)
    assert {one.name for one in requirements} == set(floors)
    assert len(floors) > 20
    assert all(one.specifier.contains(floors[one.name], prereleases=True) for one in requirements)


@given(st.lists(numbers, min_size=1, max_size=4))
def test_where_several_places_name_one_the_newest_floor_holds(floors: list[str]) -> None:
    found = lowest(Requirement(f"thing>={floor}") for floor in floors)
    assert Version(found["thing"]) == max(map(Version, floors))


def test_a_requirement_without_a_floor_is_refused() -> None:
    with pytest.raises(ValueError, match="thing<3 has no lower bound"):
        lowest([Requirement("thing<3")])


def test_the_sdist_holds_what_its_tests_import() -> None:
    held = {path.strip("/") for path in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}
    ours = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    imported: set[str] = set()
    for path in (ROOT / "tests").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            imported |= {name.partition(".")[0] for name in names}
    assert imported & ours <= held
    assert {"verify", "paper"} <= imported & ours


def test_the_users_program_states_errors_of_several_kinds_and_has_more_lines_that_pass() -> None:
    text = PROGRAM.read_text("utf-8")
    found = expected(text)
    assert len({code for _, code in found}) >= 4
    used = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
    assert {"test_lineage", "fingerprint", "replay", "screen", "ClaimReport", "ReportError"} <= used


def test_what_mypy_prints_is_read_by_line_and_code() -> None:
    output = (
        'program.py:46: error: Argument 1 to "f" has an "[x]" type  [arg-type]\nprogram.py:46: note: see [misc]\n'
    )
    assert reported(output) == {(46, "arg-type")}
    assert reported("Success: no issues found in 1 source file") == set()


WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


def test_the_release_workflow_is_of_its_schema() -> None:
    """But for the right to write attestations, which is younger than the schema that is at hand."""
    content = {"on" if key is True else key: one for key, one in deepcopy(WORKFLOW).items()}
    del content["jobs"]["publish"]["permissions"]["attestations"]
    validator("GitHub Workflow").validate(content)


def test_the_release_workflow_runs_nothing_that_can_be_moved_and_holds_no_secret() -> None:
    """Actions are pinned to commits; each job has the rights it names; nothing is written where it is built."""
    used = [step["uses"] for step in STEPS if "uses" in step]
    assert len(used) >= 5
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", one) for one in used)
    assert "secrets." not in json.dumps(WORKFLOW)
    assert WORKFLOW["permissions"] == {}
    assert WORKFLOW["jobs"]["build"]["permissions"] == {"contents": "read"}
    assert WORKFLOW["jobs"]["publish"]["permissions"] == {"id-token": "write", "attestations": "write"}


def test_what_is_published_is_what_was_tried_and_attested() -> None:
    """The whole of ``tests.release`` runs on it, and every file kept by that is a subject of the attestation."""
    runs = " ".join(step.get("run", "") for step in STEPS)
    assert "python -m tests.release --keep released" in runs
    (attested,) = [step for step in STEPS if "attest-build-provenance" in step.get("uses", "")]
    assert attested["with"] == {"subject-path": "released/*"}
    (published,) = [step for step in STEPS if "pypi-publish" in step.get("uses", "")]
    assert "with" not in published  # no password: a trusted publisher, and attestations by default


def test_the_files_kept_are_digested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sdist, the wheel and the bill of materials, in the form that ``sha256sum --check`` reads."""

    class Tool:
        programs = tmp_path

        def __init__(self, *_: object) -> None:
            """Installs nothing."""

        def run(self, *arguments: str) -> None:
            Path(arguments[-1]).write_text('{"metadata": {"component": {}}}', "utf-8")

    monkeypatch.setattr(release, "Clean", Tool)
    built = [tmp_path / "verify_lineage-1.0.tar.gz", tmp_path / "verify_lineage-1.0-py3-none-any.whl"]
    for file in built:
        file.write_bytes(file.name.encode())
    release.keep(tmp_path / "kept", tmp_path / "scratch", "python", *built)
    materials = json.loads((tmp_path / "kept" / "verify_lineage-1.0.cdx.json").read_text("utf-8"))
    assert materials["metadata"]["component"]["version"] == "1.0"
    lines = (tmp_path / "kept" / release.SUMS).read_text("utf-8").splitlines()
    assert [line.partition("  ")[2] for line in lines] == sorted(
        ["verify_lineage-1.0.cdx.json", *(file.name for file in built)]
    )
    for line in lines:
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((tmp_path / "kept" / name).read_bytes()).hexdigest() == digest
