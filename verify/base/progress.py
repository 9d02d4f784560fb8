"""Progress of long work, as a callback: the library reports, the caller decides what to show."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with the work in progress, the number of steps done, and the number in all."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Report one step."""
        ...


def silent(what: str, done: int, total: int) -> None:
    """The default: show nothing.

    Parameters
    ----------
    what : the work in progress.
    done : steps done so far.
    total : steps in all.
    """
