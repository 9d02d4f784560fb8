"""Reports as PDF, by whichever typesetter there is."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import renderings
from tests.renderings import headline, hostile, latex_here, squeezed, text_of
from verify import ClaimReport, InputError, ReportError
from verify.render import FORMATS
from verify.render.latex import latex
from verify.render.pdf import by_latex, by_typst
from verify.render.pictures import pictures

report, reports = renderings.report, renderings.reports


def check_pdf(content: bytes, report: ClaimReport, pages: int) -> None:
    """Title, language, no clock, the number of pages, and the headline on them."""
    pypdf = pytest.importorskip("pypdf")
    document = pypdf.PdfReader(io.BytesIO(content))
    assert document.metadata.title == "Lineage report"
    assert document.metadata.subject == report.digest
    assert document.trailer["/Root"]["/Lang"] == "en"
    assert 2 <= len(document.pages) <= pages
    assert {tuple(round(float(x)) for x in page.mediabox[2:]) for page in document.pages} == {(595, 842)}
    if shutil.which("pdftotext"):
        page = squeezed(text_of(content)).replace("^", "")
        assert {word for word in headline(report) if squeezed(word) not in page} == set()
        assert f"page{len(document.pages)}of{len(document.pages)}" in page


@latex_here
def test_pdflatex_typesets_every_report(report: ClaimReport) -> None:
    """The same bytes twice, with a title and numbered pages."""
    content = by_latex(report)
    assert content is not None
    assert by_latex(report) == content
    check_pdf(content, report, 16)


def test_typst_typesets_every_report(report: ClaimReport) -> None:
    """Where there is no TeX; the same bytes twice, tagged."""
    pytest.importorskip("typst")
    content = by_typst(report)
    assert by_typst(report) == content
    assert b"/MarkInfo" in content or b"StructTreeRoot" in content
    check_pdf(content, report, 16)


@latex_here
@pytest.mark.parametrize("fragment", [True, False])
def test_every_line_fits_the_page(tmp_path: Path, report: ClaimReport, fragment: bool) -> None:
    """No box is more than 10 pt too wide, alone or in somebody's article, even with endless names."""
    wide = hostile(report, "x" * 10_000)
    for name, which in (("report", report), ("wide", wide)):
        source = latex(which, fragment=fragment)
        if fragment:
            packages = r"\usepackage[T1]{fontenc}\usepackage{array,booktabs,longtable,graphicx,tikz}"
            (tmp_path / "fragment.tex").write_text(source, "utf-8")
            source = (
                rf"\documentclass{{article}}{packages}\begin{{document}}\sloppy\input{{fragment}}\end{{document}}"
            )
        (tmp_path / f"{name}.tex").write_text(source, "utf-8")
        command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"]
        for _ in range(2):
            subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, stdin=subprocess.DEVNULL)
        log = (tmp_path / f"{name}.log").read_text("latin-1")
        assert [float(x) for x in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(x) > 10] == []
        assert "Missing character" not in log


@latex_here
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler) is not installed")
@pytest.mark.parametrize("package", ["", r"\usepackage{tikz}"])
def test_a_document_without_tikz_has_the_numbers_in_words(
    tmp_path: Path, reports: dict[str, ClaimReport], package: str
) -> None:
    """And one with it the drawings, whose words are on the page."""
    report = reports["related"]
    (tmp_path / "fragment.tex").write_text(latex(report, fragment=True), "utf-8")
    packages = rf"\usepackage[T1]{{fontenc}}\usepackage{{array,booktabs,longtable,graphicx}}{package}"
    source = rf"\documentclass{{article}}{packages}\begin{{document}}\sloppy\input{{fragment}}\end{{document}}"
    (tmp_path / "report.tex").write_text(source, "utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True, stdin=subprocess.DEVNULL)
    page = squeezed(text_of((tmp_path / "report.pdf").read_bytes()))
    drawn = {"drawn": "onerandomorder" in page, "said": "doesnotuseTikZ" in page}
    assert drawn == {"drawn": bool(package), "said": not package}
    for picture in pictures(report).values():
        assert squeezed(picture.caption if package else picture.alt)[:200] in page


def test_a_pdf_is_made_by_what_there_is(
    tmp_path: Path, reports: dict[str, ClaimReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By pdflatex, else by typst, else one sentence says what to install; and nothing is left behind."""
    pytest.importorskip("typst")
    report = reports["related"]
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    report.to_pdf(tmp_path / "typst.pdf")
    assert (tmp_path / "typst.pdf").read_bytes() == by_typst(report)
    broken = tmp_path / "bin" / "pdflatex"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/bin")
    assert FORMATS["pdf"](report) == by_typst(report)
    monkeypatch.setattr("verify.render.pdf.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"needs pdflatex .* or typst") as caught:
        report.to_pdf(tmp_path / "none.pdf")
    assert str(caught.value).isprintable()
    assert not (tmp_path / "none.pdf").exists()


@latex_here
def test_a_time_that_is_none_is_refused_in_words(reports: dict[str, ClaimReport]) -> None:
    report = reports["unrelated"].model_copy(update={"created": "once upon a time"})
    with pytest.raises(ReportError, match="a time in ISO 8601 was expected"):
        report.to("pdf")
