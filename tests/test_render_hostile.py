"""Hostile text is inert in every format."""

from __future__ import annotations

import re
import shutil
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import renderings
from tests.claims import HOSTILE, renamed
from tests.renderings import Page, hostile, latex_here, page_of, squeezed, text_of
from tests.reports import CREATED
from verify import ClaimReport, Fingerprint, fingerprint, test_lineage
from verify.data import model
from verify.render.latex import latex
from verify.render.pdf import by_latex, by_typst
from verify.render.view import view

report, reports = renderings.report, renderings.reports

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
text_here = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext (poppler) is not installed")


@pytest.fixture(scope="module")
def stranger() -> tuple[Fingerprint, Fingerprint]:
    """Two unrelated models, of which the first is given other names."""
    return fingerprint(model("stranger-1")), fingerprint(model("reference"))


def check_html(page: str, plain: str) -> None:
    """The elements and attributes of the same page with harmless names, and nothing that loads or runs."""
    found, expected = Page(page), Page(plain)
    kinds, as_expected = ([kind for kind, _ in groupby(one.elements)] for one in (found, expected))
    assert kinds == as_expected  # a long title takes another line of a drawing
    assert not {tag for tag, _ in found.elements} & {
        "script",
        "img",
        "image",
        "link",
        "iframe",
        "object",
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
    assert tags.count("caption") == tags.count("table") >= 3
    assert all("scope" in names for tag, names in Page(page).elements if tag == "th")
    shown = view(report)
    drawn = [*shown.pictures, *(block for section in shown.sections for block in section.blocks)]
    assert page.count('role="img" aria-labelledby=') == sum(block.kind == "picture" for block in drawn)
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
    report = reports["obfuscated-all"]
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
