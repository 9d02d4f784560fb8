"""Make verify.ipynb from cells.md: ``python -m examples.notebook.make`` runs every cell in a fresh kernel.

It takes the extras ``notebook``, ``report`` and ``frame``. The same cells give the same file, but for the bytes of
pictures, which depend on the versions of matplotlib and its fonts, and for digests, which cover those of numpy.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parent
CELLS, NOTEBOOK = FOLDER / "cells.md", FOLDER / "verify.ipynb"
_SECONDS = 600  # for one cell


def notebook() -> Any:
    """The cells, not yet run."""
    made = nbformat.v4.new_notebook()
    made.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    made.cells = [*_cells(CELLS.read_text("utf-8"))]
    for n, cell in enumerate(made.cells):
        cell.id = f"cell-{n}"
    return made


def _cells(text: str) -> Iterator[Any]:
    """Prose and code in turn."""
    for n, part in enumerate(re.split(r"(?ms)^```python\n(.*?)\n```$", text)):
        if part.strip():
            make = nbformat.v4.new_code_cell if n % 2 else nbformat.v4.new_markdown_cell
            yield make(part.strip())


def executed() -> Any:
    """The notebook, run in a fresh kernel, without anything that differs from run to run."""
    made = notebook()
    NotebookClient(made, timeout=_SECONDS, resources={"metadata": {"path": str(FOLDER)}}).execute()
    made.metadata.pop("language_info", None)
    for cell in made.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [_kept(output) for output in cell.outputs if not _is_empty(output)]
    return made


def _kept(output: Any) -> Any:
    """An output with its picture in few colours, which takes a quarter of the bytes."""
    if (drawn := output.get("data", {}).get("image/png")) is not None:
        buffer = BytesIO()
        Image.open(BytesIO(b64decode(drawn))).convert("RGB").quantize(64).save(buffer, "png", optimize=True)
        output.data["image/png"] = b64encode(buffer.getvalue()).decode() + "\n"
    return output


def _is_empty(output: Any) -> bool:
    """Whether nothing is left of it, as of a bar whose work is done."""
    return output.output_type == "display_data" and not any(output.data.values())


def texts(made: Any) -> list[str]:
    """The texts of all outputs in order; digests are cut, since they cover versions of software."""
    found = []
    for output in (output for cell in made.cells if cell.cell_type == "code" for output in cell.outputs):
        shown = dict(sorted(output.get("data", {"stream": output.get("text", "")}).items()))  # as they are written
        found += [f"{kind}: {text}" for kind, text in shown.items() if not kind.startswith("image/")]
        found += [kind for kind in shown if kind.startswith("image/")]
    return [re.sub(r"sha256:[0-9a-f]+", "sha256:...", text) for text in found]


if __name__ == "__main__":
    nbformat.write(executed(), NOTEBOOK)
