"""A claim report as PDF: by pdflatex if installed, else by typst (extra ``pdf``); bytes are reproducible."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import asdict, replace
from datetime import datetime
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..base import InputError
from .documents.materials import moment
from .drawing import Drawing, Text
from .escape import NAME, SENTENCE, breakable, spelled
from .kinds import Code, Number
from .latex import figure_name, latex
from .pictures import pictures
from .report_figures import figures
from .svg import standalone
from .view import view

if TYPE_CHECKING:
    from ..claim.pages import Pages

_SECONDS = 120


def pdf(report: Pages) -> bytes:
    """The report as A4 pages; without matplotlib, figures are replaced by their numbers in words.

    Raises
    ------
    InputError
        If neither a working pdflatex nor typst is installed.
    """
    content = by_latex(report) if shutil.which("pdflatex") else None
    if content is None and find_spec("typst") is not None:
        content = by_typst(report)
    if content is None:
        raise InputError(
            "A PDF needs pdflatex (with lmodern, booktabs and longtable) or typst; "
            '`pip install "verify-lineage[pdf]"`, or write .tex and typeset it elsewhere.'
        )
    return content


def by_latex(report: Pages) -> bytes | None:
    """Typeset by pdflatex in a folder of its own; None if it fails, for example if a package is missing."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "report.tex").write_text(latex(report), "utf-8")
        _draw(report, place, {name: figure_name(report, name) for name in figures(report)})
        environment = os.environ | {
            "SOURCE_DATE_EPOCH": str(max(0, int(datetime.fromisoformat(moment(report)).timestamp()))),
            "FORCE_SOURCE_DATE": "1",
            "TZ": "UTC",
            "openin_any": "p",  # no reading or writing outside the folder and TeX's own
            "openout_any": "p",
        }
        command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
        try:
            for _ in range(3):  # until table widths and page numbers settle
                subprocess.run(
                    command,
                    cwd=place,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=_SECONDS,
                    check=True,
                )
            return (place / "report.pdf").read_bytes()
        except (OSError, subprocess.SubprocessError):
            return None


def by_typst(report: Pages) -> bytes:
    """Typeset by typst; the text is passed as data, never as source."""
    import typst

    with TemporaryDirectory() as folder:
        place = Path(folder)
        fonts = _draw(report, place, {name: f"{name}.svg" for name in figures(report)})
        drawings = {name: one for name, one in pictures(report).items() if isinstance(one, Drawing)}
        for name, drawing in drawings.items():
            (place / f"{name}.svg").write_text(standalone(_in_glyphs(drawing)), "utf-8")
        page = view(report)
        drawn = {name: name in drawings or bool(fonts) for name in pictures(report)}
        data = asdict(page) | {"drawn": drawn, "short": page.short, "lines": page.answer.lines}
        widths = {name: figure.size[0] for name, figure in figures(report).items()}
        (place / "data.json").write_text(json.dumps(_plain(data) | {"widths": widths}), "utf-8")
        template = files("verify.render").joinpath("templates/report.typ").read_text("utf-8")
        (place / "report.typ").write_text(template, "utf-8")
        content: bytes = typst.compile(
            str(place / "report.typ"), root=folder, font_paths=fonts, ignore_system_fonts=True, format="pdf"
        )
        return content


def _draw(report: Pages, place: Path, names: dict[str, str]) -> list[str]:
    """Write the figures that can be drawn; return the folders of their fonts."""
    if find_spec("matplotlib") is None:
        return []
    for name, figure in figures(report).items():
        figure.save(place / names[name])
    import matplotlib as mpl

    return [str(Path(mpl.get_data_path()) / "fonts" / "ttf")]


def _in_glyphs(drawing: Drawing) -> Drawing:
    """A drawing in characters that the fonts have."""
    shapes = (
        replace(one, text=spelled(one.text, SENTENCE)) if isinstance(one, Text) else one for one in drawing.shapes
    )
    return replace(drawing, shapes=tuple(shapes))


def _plain(value: Any) -> Any:
    """The page as JSON: sentences as lists of parts, each with its kind, in characters that the fonts have."""
    if isinstance(value, dict):
        return {key: item if key in ("kind", "name", "digest") else _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not isinstance(value, str):
        return value
    kind = "code" if isinstance(value, Code) else "number" if isinstance(value, Number) else "text"
    shown = spelled(value, NAME if kind == "code" else SENTENCE)
    return {"kind": kind, "text": breakable(shown.replace("-", "−") if kind == "number" else shown, "\u200b")}
