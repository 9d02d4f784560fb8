"""The executed notebook of the examples: it is what its cells give, small, and of no machine."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("PIL")

from examples.notebook.make import NOTEBOOK, executed, notebook, texts  # noqa: E402


@cache
def written() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def test_it_is_made_of_todays_cells() -> None:
    """In their order, under their names; and it is a valid notebook."""
    nbformat.validate(written())
    assert [(c.cell_type, c.id, c.source) for c in written().cells] == [
        (c.cell_type, c.id, c.source) for c in notebook().cells
    ], "run `python -m examples.notebook.make`"


def test_it_is_small_and_of_no_machine() -> None:
    """No path, no time, no error, no bar; every cell ran."""
    text = NOTEBOOK.read_text("utf-8")
    assert len(text) < 200_000
    assert not re.search(r"/(home|root|work|tmp|usr|Users)\b|\\\\Users|site-packages", text)
    cells = [cell for cell in written().cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    assert not any(cell.metadata for cell in written().cells)
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds == {"execute_result", "display_data"}
    assert "<progress" not in text


def test_each_plot_is_seen_and_nothing_else_is_drawn() -> None:
    """One picture for each call of plot(): also after the first, which loads pyplot."""
    for cell in written().cells:
        if cell.cell_type == "code":
            images = sum("image/png" in output.get("data", {}) for output in cell.outputs)
            assert images == cell.source.count(".plot("), cell.source


@pytest.mark.skipif(find_spec("ipykernel") is None, reason="needs the extra `notebook`")
@pytest.mark.slow
def test_its_cells_give_its_outputs() -> None:
    """Run again in a fresh kernel; a minute."""
    pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    assert texts(executed()) == texts(written())
