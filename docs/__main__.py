"""``python -m docs [FOLDER]``: build the documentation site; a warning is an error. Needs the extra ``docs``."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.cmd.build import build_main

HERE = Path(__file__).parent
TO_THE_FIRST_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>verify</title>'
    '<meta http-equiv="refresh" content="0; url=docs/index.html"><a href="docs/index.html">verify</a>'
)


def build(site: Path) -> int:
    """Build the site into a folder; 0 if nothing was wrong."""
    status = build_main(["-W", "--keep-going", "-q", "-E", "-c", str(HERE), str(HERE.parent), str(site)])
    if status == 0:
        (site / "index.html").write_text(TO_THE_FIRST_PAGE, "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1] if len(sys.argv) > 1 else "build/site")))
