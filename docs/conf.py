"""Sphinx settings of the documentation site; ``python -m docs`` builds it from the Markdown of the whole tree."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import verify

project = "verify"
version = release = verify.__version__
copyright = "the verify-lineage developers, Apache-2.0"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "benchmarks/tables/*.md", "examples/**.md", "CHANGELOG.md"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"verify {version}"
html_copy_source = False
html_show_sourcelink = False

_PARENTS = ("docs/index", "docs/results")
_LISTED = re.compile(r"^- \[[^\]]+\]\(([^)#]+)\.md\)", re.MULTILINE)


def setup(app) -> None:
    """A page of lists is also the table of contents: its headings are captions, and the pages listed are the entries."""
    app.connect("source-read", _contents)


def _contents(app, name: str, source: list[str]) -> None:
    if name not in _PARENTS:
        return
    for section in re.split(r"^## ", source[0], flags=re.MULTILINE)[1:]:
        entries = "\n".join(_LISTED.findall(section))
        if entries:
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {section.splitlines()[0]}\n\n{entries}\n```\n"
