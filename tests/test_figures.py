"""Figures: what is drawn, the same bytes every time, and formats that exist."""

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.image import imread

from verify import InputError
from verify.render.figures import FORMATS, check_format, heat_map, qq_plot

STARTS = {".svg": b"<?xml", ".pdf": b"%PDF", ".png": b"\x89PNG"}


def scores(n):
    x = np.random.default_rng(0).random((n, n))
    x = (x + x.T) / 2
    np.fill_diagonal(x, np.nan)
    return x


def draw(what, path):
    if what == "heat map":
        heat_map(path, [f"model-{i}" for i in range(7)], scores(7), "response_match")
    else:
        p = np.sort(np.random.default_rng(0).random(30))
        qq_plot(path, p, 0.8 * p, np.minimum(1, 1.2 * p), "response_match")


@pytest.mark.parametrize("what", ["heat map", "QQ plot"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_numbers_give_the_same_bytes(what, suffix, tmp_path):
    """Whatever the folder's name and the user's settings of matplotlib for other figures."""
    one, two = tmp_path / f"a{suffix}", tmp_path / "deep" / f"b{suffix.upper()}"
    draw(what, one)
    with rc_context({"svg.hashsalt": "other", "svg.fonttype": "path"}):
        draw(what, two)
    assert one.read_bytes() == two.read_bytes()
    assert one.read_bytes().startswith(STARTS[suffix])
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == sorted([one.name, two.name])


@pytest.mark.parametrize("what", ["heat map", "QQ plot"])
def test_something_is_drawn(what, tmp_path):
    """Seen in the pixels, and the names in the text of the drawing."""
    draw(what, tmp_path / "x.png")
    pixels = imread(tmp_path / "x.png")
    assert min(pixels.shape[:2]) > 300
    assert 0.01 < (pixels[..., :3].min(-1) < 0.9).mean() < 0.9
    draw(what, tmp_path / "x.svg")
    text = (tmp_path / "x.svg").read_text()
    assert "response_match" in text
    wanted = [f"model-{i}" for i in range(7)] if what == "heat map" else ["pairs inside strata", "uniform quantile"]
    assert all(word in text for word in wanted)


def test_the_closest_pair_is_the_darkest(tmp_path):
    """And the diagonal, which nothing was computed for, is blank."""
    S = np.where(np.eye(4) == 1, np.nan, 0.0)
    S[0, 3] = S[3, 0] = 1.0
    heat_map(tmp_path / "x.png", list("abcd"), S, "s")
    light = imread(tmp_path / "x.png")[..., :3].sum(-1)
    assert (light < 0.5).sum() > 100
    assert (light > 2.99).any()


@pytest.mark.parametrize("name", ["x", "x.txt", "x.svgz", "x.jpg", ".png", "x.png.exe"])
def test_a_format_that_cannot_be_drawn_is_refused_and_nothing_is_left(name, tmp_path):
    for attempt in (check_format, lambda path: draw("heat map", path)):
        with pytest.raises(InputError, match=r"end it in \.svg, \.pdf, \.png"):
            attempt(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n", [2, 30])
@pytest.mark.parametrize("tied", [True, False])
def test_any_panel_can_be_drawn(n, tied, tmp_path):
    """Of two members or of many, all alike or not, with names of any length; without a warning."""
    path = tmp_path / "x.svg"
    S = np.where(np.eye(n) == 1, np.nan, 0.25) if tied else scores(n)
    heat_map(path, ["m" * (1 + 99 * (i == 0)) for i in range(n)], S, "response_match")
    qq_plot(path, np.full(n, 1 / n), np.full(n, 1 / n), np.ones(n), "response_match")
    assert path.stat().st_size > 1000
