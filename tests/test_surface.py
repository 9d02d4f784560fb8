"""What ``import verify`` offers, and how little it loads."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import verify

ROOT = Path(__file__).parents[1]
HEAVY = ("scipy", "statsmodels", "matplotlib", "jinja2", "rich", "pandas", "click", "torch", "dask", "fsspec")


def test_all_is_sorted_and_complete() -> None:
    """The public names are those without an underscore that are not modules."""
    public = [n for n, value in vars(verify).items() if not n.startswith("_") and not isinstance(value, ModuleType)]
    assert verify.__all__ == sorted(verify.__all__)
    assert sorted(public) == verify.__all__


@pytest.mark.parametrize("name", verify.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    """A docstring that is its own."""
    value = getattr(verify, name)
    assert value.__doc__
    assert len(value.__doc__) > 20


def test_errors_are_one_tree() -> None:
    """Whoever wants to catch everything raised on purpose catches one class."""
    errors = [getattr(verify, name) for name in verify.__all__ if name.endswith("Error")]
    assert len(errors) == 6
    assert all(issubclass(error, verify.VerifyError) for error in errors)
    for error in (verify.CheckpointError, verify.FingerprintError, verify.ReportError):
        assert issubclass(error, verify.InputError)


def test_import_is_light() -> None:
    """Heavy packages are loaded where they are used."""
    code = "import json, sys, verify; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(result.stdout)
    assert "verify.lineage" in loaded
    assert [name for name in loaded if name.split(".")[0] in HEAVY] == []


def test_the_version_is_that_of_the_distribution() -> None:
    """One place says it."""
    from importlib.metadata import version

    assert version("verify-lineage") == verify.__version__


def test_the_extras_are_listed_and_no_other_is_named() -> None:
    """README.md has a line for each, in order, and messages name only those that there are."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    extras = [name for name in declared if name not in ("test", "dev")]
    assert extras == sorted(extras)
    listed = (ROOT / "README.md").read_text("utf-8").partition("## Extras")[2].partition("## Names")[0]
    assert re.findall(r"(?m)^\| `(\w+)` \|", listed) == extras
    texts = [path.read_text("utf-8") for path in (*ROOT.glob("verify/**/*.py"), *ROOT.glob("docs/*.md"))]
    named = {name for text in texts for name in re.findall(r"verify-lineage\[(\w+)\]", text)}
    assert named <= set(extras)
    assert len(named) > 5
