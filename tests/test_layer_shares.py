"""The drawing of shares by layer: every number at its place, on the sheet, cut where it says so."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify import ShareReport, share
from verify.data import model
from verify.render.drawing import LEAST_TEXT, PHONE, Dots, Line, Text
from verify.render.layer_shares import layer_shares
from verify.render.pictures import pictures


@pytest.fixture(scope="module")
def report() -> ShareReport:
    """Of a merge of two of three candidates."""
    return share(model("merged-stranger"), [model(name) for name in ("reference", "stranger-1", "stranger-2")])


def altered(report: ShareReport, layers: list[tuple[float, float, float]]) -> ShareReport:
    """The report with other intervals, in as many layers, of its first candidate."""
    content = json.loads(report.to_json())
    first = content["candidates"][0]
    one = first["layers"][0]
    first["layers"] = [
        one | {"layer": n, "of": n, "share": one["share"] | dict(zip(("low", "estimate", "high"), of, strict=True))}
        for n, of in enumerate(layers)
    ]
    content["child"]["architecture"]["layers"] = len(layers)
    content["candidates"] = content["candidates"][:1]
    return ShareReport.model_validate(content | {"digest": ""})


def test_it_shows_which_layers_carry_a_share(report: ShareReport) -> None:
    drawing = pictures(report)["shares"]
    assert drawing.alt.startswith(
        "A1: reference: 4 of 4 layers exclude 0. A2: stranger-1: 4 of 4 layers exclude 0. A3: stranger-2: 0 of 4"
    )
    assert "Share by layer" in report.to_html()
    assert "0 of 4 layers exclude 0" in report.to_html()


ENDS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(ENDS, ENDS, ENDS).map(lambda ends: tuple(sorted(ends))), min_size=1, max_size=130))
@settings(max_examples=60, deadline=None)
def test_everything_stands_on_the_sheet_and_in_order(
    report: ShareReport, layers: list[tuple[float, float, float]]
) -> None:
    """Higher shares stand higher, up to the edges; filled dots are those whose interval excludes 0."""
    drawing = layer_shares(altered(report, layers))
    assert drawing is not None
    for shape in drawing.shapes:
        points = (
            (shape.at,) if isinstance(shape, Text) else shape.centres if isinstance(shape, Dots) else shape.points
        )
        assert all(0 <= x <= PHONE and 0 <= y <= drawing.height for x, y in points)
        assert not isinstance(shape, Text) or shape.size >= LEAST_TEXT
    dots = [shape for shape in drawing.shapes if isinstance(shape, Dots) and shape.role != "paper"]
    assert [dot.role == "found" for dot in dots] == [low > 0 or high < 0 for low, _, high in layers]
    heights = sorted((at, -dot.centres[0][1]) for (_, at, _), dot in zip(layers, dots, strict=True))
    assert [y for _, y in heights] == sorted(y for _, y in heights)
    bars = [s for s in drawing.shapes if isinstance(s, Line) and s.role in ("found", "muted")]
    assert all(bar.points[0][1] >= dot.centres[0][1] - 1e-9 for bar, dot in zip(bars, dots, strict=True))
    assert all(bar.points[1][1] <= dot.centres[0][1] + 1e-9 for bar, dot in zip(bars, dots, strict=True))


def test_without_a_layer_there_is_no_drawing(report: ShareReport) -> None:
    content = json.loads(report.to_json())
    for one in content["candidates"]:
        one["layers"] = []
    bare = ShareReport.model_validate(content | {"digest": ""})
    assert layer_shares(bare) is None
    assert pictures(bare) == {}
    assert "Share by layer" not in bare.to_html()
