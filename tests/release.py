"""What is about to be released, tried as a user gets it: ``python -m tests.release``.

Builds the sdist and, from it, the wheel; checks their metadata, ``CITATION.cff`` and that all places state one
version; installs each in an environment that has never seen the tree, runs the demo there and compares what it says
with the other's; has mypy check a user's program against the installed wheel; and runs the tests that the sdist
holds. Arguments after ``--`` go to that pytest; without any the tests that are not slow run.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from verify.base import sha256_of_file

from .clean import Clean
from .lanes import QUICK, declared

ROOT = Path(__file__).parents[1]
SUMS = "SHA256SUMS"
PROGRAM = Path(__file__).with_name("typed_program.py")
EXPECTED = re.compile(r"# error: ([\w-]+)$")
REPORTED = re.compile(r"^[^:]+:(\d+): error: .*\[([\w-]+)\]$")


def main(arguments: list[str] | None = None) -> int:
    """Try everything, and say which failed; the number of failures."""
    parser = argparse.ArgumentParser(prog="python -m tests.release", description=__doc__)
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help="interpreter (this one)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="put files, materials and digests there")
    parser.add_argument("pytest", nargs="*", help="after --: arguments of pytest for the tests of the sdist")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="verify-release-") as folder:
        scratch, said = Path(folder), {}
        sdist, wheel = built(scratch / "build", options.python)
        if options.keep:
            keep(options.keep, scratch / "materials", options.python, sdist, wheel)

        def demo(name: str, file: Path) -> None:
            said[name] = demonstrated(scratch / name, options.python, file)

        def same() -> None:
            if said["wheel"] != said["sdist"]:
                raise RuntimeError(f"the demo says other things:\n{said['wheel']}\n{said['sdist']}")

        steps: dict[str, Callable[[], None]] = {
            "one version": lambda: one_version(wheel),
            "metadata": lambda: metadata(scratch / "metadata", options.python, sdist, wheel),
            "CITATION.cff": lambda: citation(scratch / "citation", options.python),
            "the wheel's demo": lambda: demo("wheel", wheel),
            "the sdist's demo": lambda: demo("sdist", sdist),
            "both demos alike": same,
            "types": lambda: typed(scratch / "types", options.python, wheel),
            "the sdist's tests": lambda: tests(scratch / "tests", options.python, sdist, options.pytest or [*QUICK]),
        }
        failed = 0
        for name, step in steps.items():
            try:
                step()
                print(f"{name}: right", flush=True)
            except (RuntimeError, ValueError, KeyError) as error:
                failed += 1
                print(f"{name}: WRONG: {error}", flush=True)
    return failed


def built(folder: Path, python: str) -> tuple[Path, Path]:
    """The sdist, and the wheel made from it."""
    clean = Clean(folder, python, "build")
    clean.run("python", "-m", "build", "--outdir", str(folder / "dist"), str(ROOT))
    (sdist,), (wheel,) = (list((folder / "dist").glob(end)) for end in ("*.tar.gz", "*.whl"))
    return sdist, wheel


def keep(folder: Path, scratch: Path, python: str, sdist: Path, wheel: Path) -> None:
    """Put what is released into a folder, with what it is made with and the digests of all.

    The bill of materials (CycloneDX) is of the packages that an installation of the wheel brings on this day, each
    with its version; what a user's day brings is for their own tools to list.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in (sdist, wheel):
        shutil.copy(file, folder)
    installed = Clean(scratch / "installed", python, str(wheel))
    tool = Clean(scratch / "tool", python, "cyclonedx-bom>=7")
    materials = folder / f"{wheel.name.split('-py3')[0]}.cdx.json"
    tool.run(
        "cyclonedx-py",
        "environment",
        str(installed.programs / "python"),
        *("--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "library"),
        *("--sv", "1.6", "--output-reproducible", "-o", str(materials)),
    )
    content = json.loads(materials.read_text("utf-8"))
    content["metadata"]["component"]["version"] = wheel.name.split("-")[1]  # which pyproject.toml leaves to the code
    materials.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    (folder / SUMS).write_text("".join(f"{sha256_of_file(path)}  {path.name}\n" for path in files), "utf-8")


def one_version(wheel: Path) -> None:
    """The built version is what ``CITATION.cff`` and the changelog say."""
    version = wheel.name.split("-")[1]
    cited = re.search(r"(?m)^version: (.*)$", (ROOT / "CITATION.cff").read_text("utf-8"))
    logged = re.search(r"(?m)^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text("utf-8"))
    found = {"CITATION.cff": cited and cited[1].strip("\"'"), "CHANGELOG.md": logged and logged[1]}
    if other := {file: said for file, said in found.items() if said != version}:
        raise RuntimeError(f"{wheel.name} is of version {version}, but {other}; write the version there")


def metadata(folder: Path, python: str, *files: Path) -> None:
    """What an index reads is well formed, and the long description renders."""
    Clean(folder, python, "twine").run("twine", "check", "--strict", *map(str, files))


def citation(folder: Path, python: str) -> None:
    """``CITATION.cff`` is of its schema."""
    Clean(folder, python, "cffconvert").run("cffconvert", "--validate", "-i", str(ROOT / "CITATION.cff"))


def demonstrated(folder: Path, python: str, file: Path) -> str:
    """What the demo prints where only one file was installed."""
    clean = Clean(folder, python, str(file))
    place = clean.run("python", "-c", "import verify; print(verify.__file__)").strip()
    if not Path(place).is_relative_to(folder):
        raise RuntimeError(f"verify was imported from {place}, not from what was installed")
    output = clean.run("verify", "demo")
    if "dependent" not in output and "RELATED" not in output:
        raise RuntimeError(f"the demo does not find its related pair:\n{output}")
    return re.sub(r"sha256:\w+", "", output.replace(str(folder), ""))


def typed(folder: Path, python: str, wheel: Path) -> None:
    """mypy says of a user's program what its comments say, and no more."""
    clean = Clean(folder, python, "mypy", str(wheel))
    shutil.copy(PROGRAM, folder / "program.py")
    output = clean.run("mypy", "--strict", "--no-error-summary", "program.py", status=1)
    if reported(output) != (wanted := expected(PROGRAM.read_text("utf-8"))):
        raise RuntimeError(f"expected {sorted(wanted)}, but mypy says:\n{output}")


def expected(program: str) -> set[tuple[int, str]]:
    """Line and code of every error that a program's comments state."""
    lines = enumerate(program.splitlines(), 1)
    return {(number, found[1]) for number, line in lines if (found := EXPECTED.search(line))}


def reported(output: str) -> set[tuple[int, str]]:
    """Line and code of every error that mypy prints."""
    return {(int(found[1]), found[2]) for line in output.splitlines() if (found := REPORTED.match(line))}


def tests(folder: Path, python: str, sdist: Path, arguments: list[str]) -> None:
    """The tests that the sdist holds pass from it alone."""
    clean = Clean(folder, python, *map(str, declared()))
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.glob("verify_lineage-*")
    clean.run("python", "-m", "pip", "install", "--quiet", "-e", str(tree))
    if status := clean.tests(tree, arguments):
        raise RuntimeError(f"pytest ended with {status}")


if __name__ == "__main__":
    sys.exit(main())
