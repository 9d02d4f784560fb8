"""Pictures on matplotlib's axes."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from tests import claims
from tests.claims import claim, renamed
from tests.results import held
from verify import ClaimReport, Fingerprint, InputError, Panel, calibrate
from verify.base.display import Drawn
from verify.render.axes import drawn_on
from verify.render.drawing import PALETTE, Area, Dots, Drawing, Line, Text, box
from verify.render.plots import pictures_of
from verify.statistics import PanelResult

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")
plt = pytest.importorskip("matplotlib.pyplot")

fingerprints, models = claims.fingerprints, claims.models

DRAWN = ["related", "unrelated", "screen", "panel", "calibration", "exact", "primary", "similarity"]


def drawn(name: str) -> Drawn:
    result = held()[name]
    assert isinstance(result, Drawn)
    return result


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.mark.parametrize("name", DRAWN)
def test_every_picture_is_drawn_on_axes(name: str) -> None:
    """On new ones of pyplot, with a title, and it can be written to a file."""
    result = drawn(name)
    pictures = pictures_of(result)
    for picture in pictures:
        axes = result.plot(picture)
        assert axes is plt.gca() or axes in plt.gcf().axes
        assert axes.get_title() == pictures[picture].title
        assert axes.has_data()
        axes.figure.savefig("/dev/null", format="svg")


@pytest.mark.parametrize("name", DRAWN)
def test_the_first_picture_is_drawn_by_default_and_on_the_axes_given(name: str) -> None:
    """And no other figure is made."""
    result = drawn(name)
    figure, (left, right) = plt.subplots(1, 2)
    assert result.plot(ax=right) is right
    assert not left.has_data()
    assert right.get_title() == next(iter(pictures_of(result).values())).title
    assert plt.get_fignums() == [figure.number]


def test_results_with_numbers_have_pictures() -> None:
    assert {name for name, result in held().items() if isinstance(result, Drawn) and pictures_of(result)} == {
        *DRAWN,
        "signs",
    }


def test_pictures_hold_the_numbers_of_the_record() -> None:
    """Bars, cells, lines and words."""
    exact = drawn("exact")
    assert {"256 observed", "4 by chance", "256"} <= {text.get_text() for text in exact.plot("chance").texts}
    primary = drawn("primary")
    assert isinstance(primary, PanelResult)
    axes = primary.plot("null")
    pairs = len(primary.scores)
    assert sum(patch.get_height() for patch in axes.patches) == pairs - 1
    calibration = drawn("calibration").plot("scores")
    assert sum(patch.get_height() for patch in calibration.patches) == 44
    assert any(list(line.get_xdata()) == [0.9, 0.9] for line in calibration.lines)
    screen = drawn("screen")
    assert [*pictures_of(screen)] == ["family_1", "map"]
    words = {text.get_text() for text in screen.plot().texts}
    assert all(any(name in word for word in words) for name in ("reference", "fine-tuned", "same-seed"))
    panel = held()["panel"]
    assert isinstance(panel, Panel)
    cells = np.ma.filled(panel.plot("scores").collections[0].get_array(), np.nan)
    assert np.isnan(np.diag(cells)).all()
    np.testing.assert_array_equal(cells, cells.T)


def test_the_histogram_of_smaller_is_closer_counts_the_other_tail() -> None:
    """At least as alike means at most the score."""
    rows = [(f"m{i}", f"m{j}", float(10 * i + j)) for i in range(9) for j in range(i)]
    report = calibrate(rows, ("m1", "m0"), closer="smaller", alpha=0.2)
    picture = pictures_of(report)["scores"]
    assert "0 are at least as alike" in picture.alt
    axes = report.plot()
    assert [text.get_text() for text in axes.texts][1:] == [
        "0 of the other 35 pairs\nat least as alike",
        "35 less alike",
    ]


@pytest.mark.parametrize("name", [r"$\frac", "$x^2$", "<b>", "模型"])
def test_a_name_is_never_mathematics(fingerprints: dict[str, Fingerprint], name: str) -> None:
    """On axes that were made before as well, whose ticks exist already; and no glyph is missing."""
    rows = [(f"m{i}", f"m{j}", (i * j) % 7 / 10) for i in range(8) for j in range(i)]
    rows += [(name, "y", 0.9), *((f"m{i}", other, 0.3) for i in range(8) for other in (name, "y"))]
    report = calibrate(rows, (name, "y"), alpha=0.05, score_name=name)
    figure, axes = plt.subplots()
    for picture in pictures_of(report):
        report.plot(picture, ax=axes)
        figure.savefig("/dev/null", format="svg")
    hostile = claim(renamed(fingerprints["child"], name), fingerprints["parent"])
    hostile.plot().figure.savefig("/dev/null", format="svg")


def test_a_drawing_of_our_own_is_drawn_on_axes() -> None:
    """Each shape where it stands, in its role's colour, above those before it."""
    shapes = (
        box(0, 0, 50, 20),
        Line(((0, 0), (100, 50)), role="accent", width=2, dashed=True),
        Dots(((10, 10), (20, 30)), role="warn"),
        Dots(()),
        Text((5, 45), "a $x^2$ name", anchor="middle", bold=True),
    )
    drawing = Drawing("one", "Its title", "In words.", "How to read it.", 100, 50, shapes)
    axes = drawn_on(None, {"one": drawing}, None)
    assert axes.get_xlim() == (0, 100)
    assert axes.get_ylim() == (50, 0)  # y grows downwards
    line, dots = axes.lines
    assert line.get_xydata().tolist() == [[0, 0], [100, 50]]
    assert line.get_color() == PALETTE["accent"][0]
    assert line.get_linestyle() == "--"
    assert dots.get_xydata().tolist() == [[10, 10], [20, 30]]
    assert axes.patches[0].get_xy().tolist()[:4] == [[0, 0], [50, 0], [50, 20], [0, 20]]
    (text,) = axes.texts
    assert (text.get_text(), text.get_ha(), text.get_position()) == ("a $x^2$ name", "center", (5, 45))
    assert not text.get_parse_math()
    assert isinstance(shapes[0], Area)
    axes.figure.savefig("/dev/null", format="svg")


def test_words_of_a_drawing_keep_their_share_of_the_axes() -> None:
    """On axes of half the width they are half as large."""
    drawing = Drawing("one", "", "", "", 360, 100, (Text((5, 45), "x", size=12),))
    sizes = []
    for inches in (5, 10):
        axes = plt.figure(figsize=(inches, inches)).add_axes((0, 0, 1, 1))
        sizes.append(drawn_on(axes, {"one": drawing}, None).texts[0].get_fontsize())
    assert sizes == pytest.approx([12, 24])


def test_the_users_settings_are_left_alone() -> None:
    before = dict(matplotlib.rcParams)
    drawn("exact").plot()
    assert dict(matplotlib.rcParams) == before


def test_what_cannot_be_drawn_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No such picture, axes of something else, nothing to draw, and no matplotlib."""
    exact = drawn("exact")
    with pytest.raises(InputError, match=r"picture is 'hill'; give .*chance"):
        exact.plot("hill")
    with pytest.raises(InputError, match="ax is 3; give the axes of matplotlib"):
        exact.plot(ax=3)
    with pytest.raises(InputError, match="nothing to draw"):
        drawn_on(None, {}, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install \"verify-lineage\[report\]\""):
        exact.plot()


def test_a_report_draws_what_its_page_shows() -> None:
    """The same pictures by the same names: there is no second copy."""
    from verify.render.pictures import pictures

    report = held()["related"]
    assert isinstance(report, ClaimReport)
    assert [*pictures_of(report)] == [*pictures(report)]
