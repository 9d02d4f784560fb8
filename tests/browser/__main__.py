"""Look at every page: ``python -m tests.browser [--update] [page ...]``; see README.md beside this file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from .axe import source
from .likeness import MOST, difference, reduced
from .look import browser, looks
from .pages import PAGES

REFERENCES = Path(__file__).parent / "references"


def main() -> int:
    """Exit status 1 if a page has a fault or looks otherwise than it did."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser", description=__doc__)
    parser.add_argument("pages", nargs="*", metavar="page", help="names of pages; all by default")
    parser.add_argument("--update", action="store_true", help="keep the present looks as references; look at them")
    parser.add_argument("--seen", type=Path, default=Path("build/browser"), help="folder for what differs, whole")
    options = parser.parse_args()
    chosen = [page for page in PAGES if not options.pages or page.name in options.pages]
    if unknown := set(options.pages) - {page.name for page in PAGES}:
        parser.error(f"there is no page {min(unknown)!r}; there are {', '.join(page.name for page in PAGES)}")
    axe, faults = source(), 0
    with browser() as opened, TemporaryDirectory() as folder:
        for page in chosen:
            (place := Path(folder) / page.name).mkdir()
            for look in looks(opened, page, page.make(place), axe):
                found, reference = [*look.faults], REFERENCES / f"{look.name}.png"
                small = reduced(look.png)
                if options.update:
                    reference.parent.mkdir(exist_ok=True)
                    reference.write_bytes(small)
                share = difference(small, reference) if reference.exists() else 1.0
                if share > MOST:
                    options.seen.mkdir(parents=True, exist_ok=True)
                    (options.seen / f"{look.name}.png").write_bytes(look.png)
                    found.append(f"{share:.2%} of it looks otherwise than {reference.name}; see {options.seen}")
                faults += len(found)
                print(f"{look.name}: {'; '.join(found) or 'as it was, no fault'}")
    print(f"{faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
