"""Renderings of a claim report: nothing but the record, in every format, and hostile text inert in each."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_claim import HOSTILE, renamed
from verify import ClaimReport, Fingerprint, InputError, fingerprint, test_lineage
from verify.claim.said import why_no_rank_decides
from verify.data import model
from verify.render import FORMATS
from verify.render.latex import latex
from verify.render.numbers import general, log10, share
from verify.render.pdf import by_latex, by_typst
from verify.render.report_figures import figures
from verify.statistics import words_of
from verify.wording.forms import verbal_cap, verbal_scale

CREATED = "2026-01-31T12:00:00+00:00"
PAIRS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "related": ("continued-3x", "reference", {}),
    "unrelated": ("stranger-1", "reference", {}),
    "obfuscated": ("obfuscated", "reference", {"panel": "default", "panel_alpha": 0.05, "corpus": "zoo-code"}),
    "related, panel": ("continued-3x", "reference", {"panel": "default"}),
    "unrelated, panel": ("stranger-1", "reference", {"panel": "default"}),
    "untestable": ("stranger-1", "gpt2-reference", {"alpha": 1e-300}),
    "same-seed": ("same-seed", "reference", {"searched": 50, "chronology": "B was published in May 2024"}),
    "identical": ("reference", "reference", {}),
}
TEXTS = ("md", "tex", "html", "fragment")
REPEATED = (
    r"\input{/etc/passwd}",
    "$(rm -rf ~) 100%",
    "^^5cinput{x}",
    "模型🙂",
    "--`` ,,?`!`<<>>''",
    "[x]",
    "*",
    "&#~_{}",
)
NAMES = [*HOSTILE, *REPEATED, r"\end{document}", r"\write18{rm}", "%", "</code><script>x</script>", '" onload="x',
         "]]>", "<!--", "'#eval(1)", '#read("/etc/passwd")', "$ sum $", "@cite", "= h", "/* x */"]  # fmt: skip
latex_here = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
text_here = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler) is not installed")


@pytest.fixture(scope="module")
def reports() -> dict[str, ClaimReport]:
    """One for each pair of shipped models."""
    return {
        name: test_lineage(model(a), model(b), created=CREATED, **options) for name, (a, b, options) in PAIRS.items()
    }


@pytest.fixture(scope="module")
def stranger() -> tuple[Fingerprint, Fingerprint]:
    """Two unrelated models, of which the first is given other names."""
    return fingerprint(model("stranger-1")), fingerprint(model("reference"))


@pytest.fixture(params=list(PAIRS))
def report(request: pytest.FixtureRequest, reports: dict[str, ClaimReport]) -> ClaimReport:
    """Each of them."""
    return reports[request.param]


_PAGES: dict[tuple[str, str], str] = {}


def page_of(report: ClaimReport, kind: str) -> str:
    """The page of one of the reports, drawn once for all tests that read it."""
    if (report.digest, kind) not in _PAGES:
        _PAGES[report.digest, kind] = FORMATS[kind](report).decode()
    return _PAGES[report.digest, kind]


def hostile(report: ClaimReport, text: str) -> ClaimReport:
    """The report with a hostile text wherever it holds one that a stranger wrote."""

    def subject(side: Any) -> Any:
        shape = side.architecture.model_copy(update={"model_type": text, "family": text})
        files = tuple(file.model_copy(update={"name": text}) for file in side.files)
        return side.model_copy(update={"name": text, "architecture": shape, "files": files})

    update: dict[str, Any] = {"a": subject(report.a), "b": subject(report.b), "chronology": text, "finding": text}
    update |= {"limitations": (text,), "power": text or " ", "multiplicity": text, "may_say": text}
    tests = {k: t.model_copy(update={"title": text, "reason": text, "null": text, "assumptions": (text,),
                                     "notes": (text,)}) for k, t in report.tests.items()}  # fmt: skip
    if report.panel:
        members = tuple(member.model_copy(update={"name": text}) for member in report.panel.members)
        dropped = tuple(out.model_copy(update={"name": text, "reason": text}) for out in report.panel.dropped)
        panel = {"members": members, "dropped": dropped, "name": text, "version": text}
        update["panel"] = report.panel.model_copy(update=panel)
    return report.model_copy(update=update | {"tests": tests})


class Page(HTMLParser):
    """Elements, attributes, and the text outside drawings and style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[str] = []
        self.text: list[str] = []
        self.depth = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "wbr":  # where a line may break
            return
        self.text.append(" ")
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]
        self.depth += tag in ("svg", "style")

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in ("svg", "style")

    def handle_data(self, data: str) -> None:
        if not self.depth:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.elements.append(("comment", (data,)))


def unescaped(tex: str) -> str:
    """The words of our LaTeX: its body without layout, and its escapes undone."""
    body = tex.split(r"\begin{document}")[-1]
    body = re.sub(
        r"(?m)^% .*$|\\begin\{longtable\}.*|\\setlength\{.*|\\par\\ifdim.*|\\includegraphics.*|\\IfFile.*", "", body
    )
    body = re.sub(r"Figure, left out because its file \\texttt\{[^}]*\}", "", body)
    body = body.replace(r"\allowbreak{}", "").replace(r"\ensuremath{-}", "-")
    commands = {"textquotesingle": "'", "textless": "<", "textgreater": ">", "textasciicircum": "^"}
    body = re.sub(r"\\(text\w+)\{\}", lambda m: commands.get(m[1], "?"), body)
    return re.sub(
        r"\\texttt\{([^{}]*)\}", r"\1", re.sub(r"\{([-,!?*=\[\]])\}", r"\1", re.sub(r"\\([{}$&#%_])", r"\1", body))
    )


def words(report: ClaimReport, kind: str) -> str:
    """What a rendering says."""
    page = page_of(report, kind)
    if kind == "html":
        return "".join(Page(page).text)
    return unescaped(page) if kind in ("tex", "fragment") else page.replace("\\", "")


_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)*(?:e-?\d+)?(?!\w)")
_CONSTANTS = {
    "95", "8785",  # per cent of intervals and envelopes, and the RFC of canonical JSON
    "2502.12292", "6", "37", "26", "1979", "2025", "2002", "1934", "2015",  # references
    "1", "2", "3", "4", "5",  # the steps of "How to check it"
}  # fmt: skip


def leaves(value: Any) -> Iterator[Any]:
    """Everything in a record that a page may state: values, numbers in sentences, and how many things a list has."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list | tuple):
        yield len(value)
        for item in value:
            yield from leaves(item)
    else:
        yield value


def sentences(report: ClaimReport) -> Iterator[str]:
    """What the catalogue makes of the record; each phrase is filled by the record's own values alone."""
    yield from (report.finding, report.may_say, report.may_not_say, report.multiplicity, report.power or "")
    yield from (*report.limitations, report.declared_in_words, report.hypotheses.null, report.hypotheses.alternative)
    for test in report.results:
        yield from (words_of(test).title, words_of(test).null, *words_of(test).assumptions)
        yield from map(report.say, (*test.notes, *([test.reason] if test.reason else [])))
    if report.panel and (why := why_no_rank_decides(report)):
        yield report.say(why)
    yield from (report.say(out.reason) for out in (report.panel.dropped if report.panel else ()))


def statable(report: ClaimReport) -> set[str]:
    """The rounding rule: log10 p to two decimals above -100 and whole below; others to three, or as given; and
    what the figures' texts derive: sums of dead rows, half of the signs, lower tails, extremes and medians."""
    content = report.model_dump(mode="json")
    found = set(_CONSTANTS)
    for leaf in leaves(content):
        if isinstance(leaf, str):
            found |= set(_NUMBER.findall(leaf))
        elif isinstance(leaf, int | float):
            found |= {str(leaf), str(log10(leaf)), str(share(leaf)), str(general(leaf))}
    for sentence in sentences(report):
        found |= set(_NUMBER.findall(sentence))
    found |= {str(sum(row.rows for row in side.dead)) for side in (report.a, report.b)}
    for test in report.tests.values():
        found |= {str(general(c.n / 2)) for c in getattr(test, "counts", ()) if c.law == "signs"}
        found |= {str(rung.size - rung.rank) for rung in getattr(test, "ranks", ())}
        if getattr(test, "grid", ()):
            grid = np.array(test.grid)
            found |= {str(share(float(np.median(grid)))), *(str(i) for i in np.argwhere(grid == grid.max())[0])}
    if report.panel and report.panel.audit:
        q = np.array(report.panel.audit.quantiles)
        found |= {str(((q[:, 0] < q[:, 1]) | (q[:, 0] > q[:, 2])).sum())}
        found |= {str(len(report.panel.members) + 2)}
    return found


# ---- nothing but the record


def test_the_reports_are_of_every_verdict(reports: dict[str, ClaimReport]) -> None:
    """All five, and one of a pair that was searched for."""
    found = {report.verdict for report in reports.values()}
    assert found == {"identical", "dependent", "similar_beyond_panel", "no_evidence", "untestable"}


@pytest.mark.parametrize("kind", TEXTS)
def test_every_number_is_in_the_record(report: ClaimReport, kind: str) -> None:
    """Parsed back from the page; the rounding rule is that of ``statable``."""
    numbers = set(_NUMBER.findall(words(report, kind).replace("\N{MINUS SIGN}", "-")))
    assert len(numbers) > 15
    assert numbers - statable(report) == set()


def headline(report: ClaimReport) -> set[str]:
    """What no rendering may leave out."""
    counts = {str(n) for test in report.exact for c in test.counts for n in (c.count, c.n)}
    rungs = [(test.id, rung) for test in report.ranked for rung in test.ranks]
    shown = [
        rung
        for name, rung in rungs
        if report.panel and (name == report.panel.primary or rung.design == report.panel.primary_design)
    ]
    ranks = {str(n) for rung in shown for n in (rung.rank, rung.size)}
    values = (report.log10_p, report.panel_log10_p, report.robust_log10_p)
    return counts | ranks | {report.verdict, *(str(log10(value)) for value in values if value is not None)}


@pytest.mark.parametrize("kind", TEXTS)
def test_no_page_leaves_out_a_headline(report: ClaimReport, kind: str) -> None:
    """Verdict, p-values, digest and every count, in each format."""
    text = words(report, kind).replace("\N{MINUS SIGN}", "-")
    assert {word for word in headline(report) | {report.digest} if word not in text} == set()
    for sentence in (report.finding, report.may_say, report.may_not_say, *report.limitations, report.power or ""):
        assert " ".join(sentence.split()) in " ".join(text.split())


def test_pages_follow_the_order_of_a_forensic_report(report: ClaimReport) -> None:
    """The same in every format."""
    order = ["Versions and data", "Both propositions", "Findings", "Components", "Model checks", "Conservative value",
             "What this does not show", "How to check it", "References"]  # fmt: skip
    pages = {kind: page_of(report, kind) for kind in TEXTS}
    assert re.findall(r"(?m)^## (.*)$", pages["md"]) == order
    assert re.findall(r"<h2>(.*)</h2>", pages["html"]) == order
    assert re.findall(r"\\section\*\{(.*)\}", pages["tex"]) == order


def test_the_same_report_gives_the_same_bytes(reports: dict[str, ClaimReport]) -> None:
    """In every format, and after a round trip through JSON."""
    report = reports["obfuscated"]
    again = ClaimReport.from_json(report.to_json())
    for kind, make in FORMATS.items():
        if kind != "pdf":
            assert make(report) == make(again), kind
    for name, figure in figures(report).items():
        for suffix in ("svg", "pdf", "png"):
            assert figure.render(suffix) == figures(again)[name].render(suffix)


@pytest.mark.parametrize("kind", TEXTS)
def test_no_page_says_more_than_was_shown(report: ClaimReport, kind: str) -> None:
    """No proof, theft or probability of a relation, and no stronger words than the panel supports."""
    text = words(report, kind).lower()
    assert (
        re.findall(r"\bproves?\b|\bproven\b|stol|steal|theft|probability that the models|guilt|innocent", text) == []
    )
    scale = [row["words"] for row in verbal_scale()]
    cap = verbal_cap(report.panel.false_match.bound) if report.panel and report.panel.false_match else "no support"
    allowed = scale[: scale.index(cap) + 1] if cap in scale else []
    bare = text
    for phrase in sorted(scale, key=len, reverse=True):
        assert phrase in allowed or phrase not in bare
        bare = bare.replace(phrase, "")


def test_reports_write_themselves(tmp_path: Path, reports: dict[str, ClaimReport]) -> None:
    """The methods are thin, and a notebook shows the compact form."""
    report = reports["related"]
    assert report.to_latex(tmp_path / "r.tex") == (tmp_path / "r.tex").read_text("utf-8") == latex(report)
    assert report.to_html(tmp_path / "r.html") == (tmp_path / "r.html").read_text("utf-8")
    assert r"\documentclass" not in report.to_latex(fragment=True)
    shown = Page(report._repr_html_())
    assert report.finding in "".join(shown.text)
    assert not {tag for tag, _ in shown.elements} & {"script", "style", "svg"}


# ---- figures


def test_figures_state_their_numbers(reports: dict[str, ClaimReport]) -> None:
    """A report with a panel has six, each with a title and its numbers in words; one without has one."""
    drawn = figures(reports["obfuscated"])
    assert set(drawn) == {"null", "designs", "panel", "map", "layers", "audit"}
    assert set(figures(reports["related"])) == {"layers"}
    assert figures(reports["identical"]) == {}
    rung = next(r for r in reports["obfuscated"].tests["response_match"].ranks if r.design == "pair_residual")
    assert f"{rung.rank} pairs" in drawn["null"].alt
    assert "Lower tail" in drawn["null"].alt
    for row in reports["obfuscated"].tests["unit_identity"].by_layer:
        assert (
            f"{row.layer_a} with {row.layer_b}: {row.count} of {row.n} (chance {row.groups})" in drawn["layers"].alt
        )


def test_a_figure_holds_no_picture_and_no_name_as_mathematics(reports: dict[str, ClaimReport]) -> None:
    """Vectors alone; text as text, whatever it says."""
    for text in ("$x^2$", "模型", "<b>", "a" * 10_000):
        for figure in figures(hostile(reports["obfuscated"], text)).values():
            drawing = figure.render("svg").decode()
            assert "<image" not in drawing
            assert "<b>" not in drawing


def test_without_matplotlib_pages_name_the_figures_left_out(
    reports: dict[str, ClaimReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And say their numbers all the same; a figure itself says what is missing."""
    report = reports["obfuscated"]
    with_it = {kind: FORMATS[kind](report) for kind in ("md", "tex", "json", "fragment")}
    monkeypatch.setattr("verify.render.html.find_spec", lambda _: None)
    monkeypatch.setattr("verify.render.pdf.find_spec", lambda _: None)
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert {kind: FORMATS[kind](report) for kind in with_it} == with_it
    page = " ".join("".join(Page(FORMATS["html"](report).decode()).text).split())
    for figure in figures(report).values():
        assert f"{figure.title} (left out: it needs matplotlib). {figure.alt}" in page
        with pytest.raises(InputError, match="need matplotlib"):
            figure.render("svg")


# ---- hostile text


def check_html(page: str, plain: str) -> None:
    """The elements and attributes of the same page with harmless names, and nothing that loads or runs."""
    found, expected = Page(page), Page(plain)
    assert found.elements == expected.elements
    assert not {tag for tag, _ in found.elements} & {
        "script",
        "img",
        "image",
        "link",
        "iframe",
        "object",
        "a",
        "form",
    }
    attributes = {name for _, names in found.elements for name in names}
    assert not {name for name in attributes if name.startswith("on") or name in ("src", "srcset", "action")}
    assert all(value.startswith("#") for value in re.findall(r'\shref="([^"]*)', page))
    assert all(value.startswith("#") for value in re.findall(r"url\(([^)]*)", page))
    assert "default-src 'none'" in page
    assert "@import" not in page
    assert all(c == "\n" or c.isprintable() for c in page)


@pytest.mark.parametrize("text", NAMES)
def test_hostile_text_is_inert_in_html(reports: dict[str, ClaimReport], text: str) -> None:
    """No element, attribute, address or script comes from it."""
    report = reports["related"]
    check_html(hostile(report, text).to_html(), hostile(report, "model").to_html())


def test_a_page_fetches_nothing(report: ClaimReport) -> None:
    """No address, no script; a language, captions, and headers with a scope."""
    page = page_of(report, "html")
    check_html(page, page)
    assert "http:" not in page
    assert "https:" not in page
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    tags = [tag for tag, _ in Page(page).elements]
    assert tags.count("caption") == tags.count("table") > 3
    assert all("scope" in names for tag, names in Page(page).elements if tag == "th")
    drawn = [names for tag, names in Page(page).elements if tag == "div" and "role" in names]
    assert len(drawn) == len(figures(report))
    assert all("aria-labelledby" in names for names in drawn)
    identifiers = re.findall(r'\sid="([^"]*)"', page)
    assert len(identifiers) == len(set(identifiers))


def test_names_from_fingerprints_are_inert(stranger: tuple[Fingerprint, Fingerprint]) -> None:
    """Where a reason or a note quotes them."""
    a, b = stranger

    def page(name: str) -> str:
        return test_lineage(renamed(a, name), b, created=CREATED).to_html()

    for text in ("<script>x</script>", r"\input{x}"):
        check_html(page(text), page("model"))


COMMANDS = re.compile(r"\\([a-zA-Z]+|.)")


@pytest.mark.parametrize("text", NAMES)
def test_hostile_text_is_inert_in_latex(reports: dict[str, ClaimReport], text: str) -> None:
    """Only the commands of our own escapes are added, and braces stay balanced."""
    report = reports["obfuscated"]
    page, plain = latex(hostile(report, text)), latex(hostile(report, "model"))
    own = {"textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "char",
           "textquotesingle", "textasciigrave", "allowbreak", "ensuremath", "le", "ge", *"{}$&#%_"}  # fmt: skip
    assert set(COMMANDS.findall(page)) <= set(COMMANDS.findall(plain)) | own
    bare = re.sub(r"\\.", "", page)
    assert bare.count("{") == bare.count("}")
    assert "^^" not in page
    assert all(c == "\n" or c.isprintable() for c in page)


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_name_becomes_a_command(reports: dict[str, ClaimReport], text: str) -> None:
    """Whatever the name, in HTML and LaTeX."""
    report = reports["identical"]
    check_html(hostile(report, text).to_html(), hostile(report, "model").to_html())
    bare = re.sub(r"\\.", "", latex(hostile(report, text)))
    assert bare.count("{") == bare.count("}")


def text_of(content: bytes) -> str:
    """As pdftotext reads it."""
    command = ["pdftotext", "-layout", "-", "-"]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode()


def squeezed(text: str) -> str:
    """Without spaces, which lines and columns add."""
    return re.sub(r"\s", "", text.replace("\N{MINUS SIGN}", "-"))


@latex_here
@text_here
def test_pdflatex_shows_hostile_text_literally(reports: dict[str, ClaimReport]) -> None:
    """Nothing is read, run or lost: every character with a glyph is on the page, and others are spelled out."""
    report = reports["related"]
    for text in REPEATED:
        content = by_latex(hostile(report, text))
        assert content is not None, text
        page = squeezed(text_of(content))
        assert "root:" not in page
        shown = "".join(c if c < "\x7f" else f"<U+{ord(c):04X}>" for c in text)
        assert squeezed(shown) in page, text
    together = hostile(report, "".join(NAMES))
    assert by_latex(together) == by_latex(together) is not None


@text_here
def test_typst_shows_hostile_text_literally(reports: dict[str, ClaimReport]) -> None:
    """The text is data, and never source."""
    pytest.importorskip("typst")
    for text in (*REPEATED, "'#eval(1)", '#read("/etc/passwd")', "$ sum $", "/* x */", "// x"):
        page = squeezed(text_of(by_typst(hostile(reports["related"], text))))
        assert "root:" not in page
        assert squeezed("".join(c if c < "\x7f" else f"<U+{ord(c):04X}>" for c in text)) in page, text


# ---- PDF


def check_pdf(content: bytes, report: ClaimReport, pages: int) -> None:
    """Title, language, no clock, the number of pages, and the headline on them."""
    pypdf = pytest.importorskip("pypdf")
    document = pypdf.PdfReader(io.BytesIO(content))
    assert document.metadata.title == "Lineage claim report"
    assert document.metadata.subject == report.digest
    assert document.trailer["/Root"]["/Lang"] == "en"
    assert 2 <= len(document.pages) <= pages
    assert {tuple(round(float(x)) for x in page.mediabox[2:]) for page in document.pages} == {(595, 842)}
    if shutil.which("pdftotext"):
        page = squeezed(text_of(content))
        assert {word for word in headline(report) if squeezed(word) not in page} == set()
        assert f"page{len(document.pages)}of{len(document.pages)}" in page


@latex_here
def test_pdflatex_typesets_every_report(report: ClaimReport) -> None:
    """The same bytes twice, with a title and numbered pages."""
    content = by_latex(report)
    assert content is not None
    assert by_latex(report) == content
    check_pdf(content, report, 14)


def test_typst_typesets_every_report(report: ClaimReport) -> None:
    """Where there is no TeX; the same bytes twice, tagged."""
    pytest.importorskip("typst")
    content = by_typst(report)
    assert by_typst(report) == content
    assert b"/MarkInfo" in content or b"StructTreeRoot" in content
    check_pdf(content, report, 14)


@latex_here
@pytest.mark.parametrize("fragment", [True, False])
def test_every_line_fits_the_page(tmp_path: Path, report: ClaimReport, fragment: bool) -> None:
    """No box is more than 10 pt too wide, alone or in somebody's article, even with endless names."""
    wide = hostile(report, "x" * 10_000)
    for name, which in (("report", report), ("wide", wide)):
        source = latex(which, fragment=fragment)
        if fragment:
            packages = r"\usepackage[T1]{fontenc}\usepackage{array,booktabs,longtable,graphicx}"
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
