"""``python -m benchmarks.pages``: write every page from the results in ``tables/``."""

from __future__ import annotations

import argparse

from . import PAGES, stale, write


def main() -> None:
    """Write the pages, or say which are out of step."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PAGES)}; default: all")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is not in step")
    options = parser.parse_args()
    if unknown := set(options.names).difference(PAGES):
        parser.error(f"no page is named {', '.join(sorted(unknown))}")
    if options.check:
        if names := stale():
            raise SystemExit(f"Not in step with the results: {', '.join(names)}; run `python -m benchmarks.pages`.")
        return
    write(options.names or None)


if __name__ == "__main__":
    main()
