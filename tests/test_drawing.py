"""Drawings: one sheet, legible on every ground and at the width of a telephone, with words that stay words."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import renderings
from tests.claims import HOSTILE
from verify import ClaimReport
from verify.render.drawing import LEAST_TEXT, PALETTE, PHONE, Area, Dots, Drawing, Line, Text, box, frame, moved
from verify.render.pictures import pictures
from verify.render.svg import inline, page_style, standalone
from verify.render.tikz import preamble, tikz

reports = renderings.reports

SVG = "{http://www.w3.org/2000/svg}"


def sheet(*shapes: Line | Area | Dots | Text, title: str = "t", alt: str = "a") -> Drawing:
    return Drawing("x", title, alt, "c", 100, 50, shapes)


def contrast(first: str, second: str) -> float:
    """As the Web Content Accessibility Guidelines define it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])
def test_every_role_can_be_read_on_its_ground(ground: int) -> None:
    colour = {role: pair[ground] for role, pair in PALETTE.items()}
    text = set(PALETTE) - {"paper", "faint"}
    assert {role for role in text if contrast(colour[role], colour["paper"]) < 4.5} == set()
    assert {role for role in text - {"muted"} if contrast(colour[role], colour["faint"]) < 4.5} == set()
    assert contrast(colour["faint"], colour["paper"]) > 1.3


def test_every_role_has_a_variable_on_light_and_on_dark_and_a_colour_in_latex() -> None:
    style, tex = page_style(), preamble()
    for role, (light, dark) in PALETTE.items():
        assert f"--{role}:{light};" in style.split("@media")[0]
        assert f"--{role}:{dark};" in style.split("@media screen")[1]
        assert rf"\definecolor{{verify{role}}}{{HTML}}{{{light[1:].upper()}}}" in tex


@pytest.mark.parametrize("text", [*HOSTILE, "</text><script>x</script>", '" onload="x', "]]>", r"\input{x}", "}"])
def test_words_of_strangers_stay_words(text: str) -> None:
    """In SVG no element or attribute comes from them, in LaTeX no command."""
    drawing, harmless = (
        sheet(Text((1, 2), words), Text((3, 4), words, bold=True), title=words, alt=words)
        for words in (text, "model")
    )
    for render in (inline, standalone):
        found, expected = (ElementTree.fromstring(render(one)) for one in (drawing, harmless))
        assert [(one.tag, list(one.attrib)) for one in found.iter()] == [
            (one.tag, list(one.attrib)) for one in expected.iter()
        ]
    bare = re.sub(r"\\.", "", tikz(drawing))
    assert bare.count("{") == bare.count("}")
    assert set(re.findall(r"\\([a-zA-Z]+)", tikz(drawing))) <= {
        *re.findall(r"\\([a-zA-Z]+)", tikz(harmless)),
        *("textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar", "char"),
        *("textquotesingle", "textasciigrave", "allowbreak", "ensuremath", "le", "ge"),
    }  # fmt: skip


def test_a_drawing_says_its_title_and_its_numbers_and_runs_and_loads_nothing() -> None:
    drawing = sheet(
        box(0, 0, 5, 5), frame(0, 0, 5, 5), Dots(((1, 1),)), Text((1, 1), "a"), title="What", alt="4 of 5"
    )
    for svg in (inline(drawing), standalone(drawing)):
        root = ElementTree.fromstring(svg)
        assert root.attrib["role"] == "img"
        named = {one.attrib["id"]: one.text for one in root.iter() if "id" in one.attrib}
        assert named[root.attrib["aria-labelledby"]] == "What"
        assert named[root.attrib["aria-describedby"]] == "4 of 5"
        assert root.attrib["viewBox"] == "0 0 100 50"
        assert "href" not in svg
        assert "url(" not in svg
        assert "script" not in svg


def test_a_style_of_one_element_never_reaches_the_page(reports: dict[str, ClaimReport]) -> None:
    """What matplotlib writes for all elements would restyle every other drawing of the page."""
    page = reports["obfuscated-all"].to_html()
    assert page.count("<style") == 1
    assert "*{" not in page


coordinates = st.floats(-500, 500)
points = st.tuples(coordinates, coordinates)


@given(st.lists(points, min_size=1, max_size=30), points)
def test_dots_are_drawn_where_they_are(centres: list[tuple[float, float]], by: tuple[float, float]) -> None:
    """In both formats and after a move, to a hundredth of a unit."""
    drawing = sheet(moved(Dots(tuple(centres)), *by))
    expected = [(pytest.approx(x + by[0], abs=6e-3), pytest.approx(y + by[1], abs=6e-3)) for x, y in centres]
    number = r"(-?[\d.]+)"
    in_svg = re.findall(rf"M{number} {number}h0", inline(drawing))
    in_tikz = re.findall(rf"\({number},{number}\)--", tikz(drawing))
    for found in (in_svg, in_tikz):
        assert [(float(x), float(y)) for x, y in found] == expected
        assert not any(x == "-0" for place in found for x in place)


def test_every_drawing_of_a_report_can_be_read_on_a_telephone(reports: dict[str, ClaimReport]) -> None:
    """No smaller text than 11 units of 360, none outside the sheet, and all numbers with words."""
    drawn = [one for report in reports.values() for one in pictures(report).values() if isinstance(one, Drawing)]
    assert len(drawn) >= 12
    for drawing in drawn:
        assert drawing.width <= PHONE
        for shape in drawing.shapes:
            if isinstance(shape, Text):
                assert shape.size >= LEAST_TEXT
                assert 0 <= shape.at[0] <= drawing.width
                assert shape.size * 0.8 <= shape.at[1] <= drawing.height
        assert drawing.alt
        assert drawing.caption
