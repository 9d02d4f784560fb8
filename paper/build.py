"""Typeset the paper with the TeX that is installed; every failure is one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = ("paper.tex", "numbers.tex", "references.bib", "sections", "tables", "figures")
TIMEOUT = 300  # seconds for one run of TeX


class PaperError(Exception):
    """The paper cannot be generated or typeset."""


def typeset(output: Path) -> Path:
    """Typeset in ``output``, where copies of the sources and the log are left, and return the PDF's path.

    Raises
    ------
    PaperError
        If TeX is absent, or fails.
    """
    for program in ("pdflatex", "bibtex"):
        if shutil.which(program) is None:
            raise PaperError(
                f"{program} was not found; install TeX (on Debian: texlive-latex-extra, texlive-science and lmodern)."
            )
    output.mkdir(parents=True, exist_ok=True)
    for name in SOURCES:
        source, copy = HERE / name, output / name
        if source.is_dir():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(source, copy)
        else:
            shutil.copy2(source, copy)
    tex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    if shutil.which("latexmk"):
        _run(["latexmk", "-norc", "-pdf", "-g", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"], output)
    else:
        for command in (tex, ["bibtex", "paper"], tex, tex):
            _run(command, output)
    return output / "paper.pdf"


def complaints(output: Path) -> list[str]:
    """What the log and the bibliography's log complain of: boxes that stick out, and undefined references."""
    log = (output / "paper.log").read_text("utf-8", "replace") + (output / "paper.blg").read_text("utf-8", "replace")
    words = ("Overfull", "undefined", "multiply defined", "Warning--", "Rerun to get")
    return [line for line in log.splitlines() if any(word in line for word in words)]


def _run(command: list[str], folder: Path) -> None:
    environment = os.environ | {"max_print_line": "1000", "SOURCE_DATE_EPOCH": "0", "FORCE_SOURCE_DATE": "1"}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise PaperError(f"{command[0]} took more than {TIMEOUT} seconds; see {folder / 'paper.log'}.") from error
    if done.returncode:
        said = done.stdout.decode("utf-8", "replace").splitlines()
        first = next((line for line in said if line.startswith("!")), "! no reason given").lstrip("! ")
        raise PaperError(f"{command[0]} failed ({first.rstrip('.')}); see {folder / 'paper.log'}.")
