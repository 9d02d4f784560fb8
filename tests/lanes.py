"""The tests with the oldest releases that are declared as supported, or with the newest, under any Python.

``python -m tests.lanes lowest`` installs every requirement of ``pyproject.toml`` at its lower bound (what these need
in turn is left to pip), ``python -m tests.lanes newest`` whatever pip finds; ``--python`` names the interpreter.
Arguments after ``--`` go to pytest; without any the tests that are not slow run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

from .clean import Clean

ROOT = Path(__file__).parents[1]
EXTRAS = (
    "dask",
    "dated",
    "frame",
    "gguf",
    "hub",
    "onnx",
    "pdf",
    "remote",
    "report",
    "screen",
    "sign",
    "test",
    "yaml",
)
"""What the tests use."""
QUICK = ("-m", "not slow", "-n", "2")


def declared(extras: Iterable[str] = EXTRAS) -> list[Requirement]:
    """The requirements of the library and of some extras, but for those on itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    texts = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]
    return [found for found in map(Requirement, dict.fromkeys(texts)) if found.name != project["name"]]


def lowest(requirements: Iterable[Requirement]) -> dict[str, str]:
    """The oldest release of each that is supported, by name; the newest of these where two places name one.

    Raises
    ------
    ValueError
        If one has no lower bound.
    """
    from packaging.version import Version

    found: dict[str, str] = {}
    for one in requirements:
        floors = [part.version for part in one.specifier if part.operator in (">=", "==", "~=")]
        if not floors:
            raise ValueError(f"{one} has no lower bound, so nobody knows from which release on it is supported.")
        found[one.name] = max(*floors, found.get(one.name, "0"), key=Version)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Make the environment, say what it holds, and run the tests; the exit status of pytest."""
    parser = argparse.ArgumentParser(prog="python -m tests.lanes", description=__doc__)
    parser.add_argument("lane", choices=("lowest", "newest"))
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="interpreter (this one)")
    parser.add_argument("pytest", nargs="*", help="after --: arguments of pytest")
    options = parser.parse_args(arguments)
    requirements = declared()
    with tempfile.TemporaryDirectory(prefix=f"verify-{options.lane}-") as scratch:
        constraints = Path(scratch) / "constraints.txt"
        floors = lowest(requirements) if options.lane == "lowest" else {}
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in floors.items()), "utf-8")
        named = [str(one) for one in requirements]
        try:
            clean = Clean(Path(scratch) / "lane", options.python, *named, "-e", str(ROOT), constraints=constraints)
        except RuntimeError as error:
            print(error)
            return 1
        print(
            clean.run("python", "--version") + clean.run("python", "-m", "pip", "list", "--format=freeze"), flush=True
        )
        return clean.tests(ROOT, options.pytest or QUICK)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failed:
        sys.exit(f"{failed}")
