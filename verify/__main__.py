"""``python -m verify``: the same as the ``verify`` command."""

import sys


def main() -> None:
    """Run the command; an interruption while it is still being loaded ends as a later one does."""
    try:
        from .cli import main as run
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
