"""``python -m benchmarks.formats``: models that real tools wrote, beside the tools' own decoding, number by number.

Each script of ``makers/`` names the packages it needs in its head (PEP 723), is run in a virtual environment of its
own, never imports ``verify``, and leaves a folder for each operation: the model, and the numbers that the tool itself
makes of it. Environments and folders are kept, so a run that is cut short goes on from where it stopped.
Writes ``tables/formats.json`` and its page.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tomllib
import venv
from pathlib import Path
from typing import Any

from ..pages import publish
from ..peers.environments import CALM
from ..results import TABLES, read
from ..zoo.__main__ import CACHE
from .compare import MADE, compared

MAKERS = {path.stem: path for path in sorted((Path(__file__).parent / "makers").glob("[!_]*.py"))}
_HEAD = re.compile(r"^# /// script$\s(?P<content>(^#(| .*)$\s)+)^# ///$", re.MULTILINE)


def main() -> None:
    """Make what is not there yet, compare all of it, and write the results and the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats", description=__doc__)
    parser.add_argument("--folder", type=Path, default=CACHE.parent / "formats", help="(%(default)s)")
    parser.add_argument("--only", nargs="+", metavar="MAKER", choices=sorted(MAKERS), default=sorted(MAKERS))
    options = parser.parse_args()
    known: dict[str, Any] = read("formats") if (TABLES / "formats.json").exists() else {"makers": {}}
    for name in options.only:
        made(name, options.folder)
        rows = [compared(path.parent) for path in sorted((options.folder / "made" / name).glob(f"*/{MADE}"))]
        for row in rows:
            print(" ".join(str(value) for value in row.values()), flush=True)
        known["makers"][name] = rows
    publish("formats", {"makers": {name: known["makers"][name] for name in sorted(known["makers"])}})


def made(name: str, folder: Path) -> None:
    """Run a maker in its environment, unless it has run to its end before.

    Raises
    ------
    subprocess.CalledProcessError
        If its packages cannot be installed, or it fails.
    """
    ran(MAKERS[name], folder / "environments" / name, folder / "made" / name)


def ran(script: Path, environment: Path, out: Path) -> None:
    """Run a script in an environment of the packages that it names, unless it has run to its end before.

    Parameters
    ----------
    script : takes the folder that it writes into.
    environment : folder of the virtual environment, which is made first if it is not there.
    out : that folder.

    Raises
    ------
    subprocess.CalledProcessError
        If its packages cannot be installed, or it fails.
    """
    if not (complete := environment / "complete").exists():
        venv.create(environment, with_pip=True)
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", *requirements(script)], check=True)
        complete.touch()
    if not (done := out / "complete").exists():
        out.mkdir(parents=True, exist_ok=True)
        subprocess.run([environment / "bin" / "python", script, out], check=True, env=os.environ | CALM)
        done.touch()


def requirements(script: Path) -> list[str]:
    """The packages that a script names in its head.

    Raises
    ------
    ValueError
        If it has no such head.
    """
    if (head := _HEAD.search(script.read_text("utf-8"))) is None:
        raise ValueError(f"{script.name} names no packages in its head; expected a block as in PEP 723.")
    lines = (line[2:] for line in head["content"].splitlines())
    packages: list[str] = tomllib.loads("\n".join(lines))["dependencies"]
    return packages


if __name__ == "__main__":
    main()
