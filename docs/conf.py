"""Sphinx settings of the documentation site; ``python -m docs`` builds it from the Markdown of the whole tree.

The source folder is the repository, so that a relative link leads to the same place here and on a code host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import verify

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "verify"
version = release = verify.__version__
copyright = "the verify-lineage developers, Apache-2.0"  # noqa: A001 - Sphinx calls it so
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "benchmarks/tables/*.md", "examples/**README.md", "examples/**report.md"]
include_patterns += ["CHANGELOG.md"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"verify {version}"
html_static_path = ["site"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False

_PARENTS = ("docs/index", "docs/results", "examples/README", "examples/dispute/README")
_LISTED = re.compile(r"^[-|] \[([^\]]+)\]\(([^)#]+)\.md\)", re.MULTILINE)


def setup(app: Sphinx) -> None:
    """A page that lists pages, as items or in a column, is a table of contents: its headings are captions."""
    app.connect("source-read", _contents)


def _contents(_: Sphinx, name: str, source: list[str]) -> None:
    if name not in _PARENTS:
        return
    for section in re.split(r"^#+ ", source[0], flags=re.MULTILINE)[1:]:
        entries = "\n".join(f"{title} <{page}>" for title, page in _LISTED.findall(section))
        if entries:
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {section.splitlines()[0]}\n\n{entries}\n```\n"
